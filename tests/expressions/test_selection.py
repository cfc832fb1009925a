"""Selection expressions by table, and the two promises: parse refuses with a position, select never raises."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.expressions.selection import API_KEY, MODEL, ROUTE, Root, Scope, Variable, parse
from gateway.model.errors import ExpressionError

DOC = '{"service":"chat","action":"join","data":{"room":"room1234","items":["item1","item2"],"o":{"k":[1,null]}},"n":1,'
DOC += '"f":1.0,"t":true,"null":null,"a-b":"dash","@t":"at","":"empty","ü":"umlaut"}'


@pytest.mark.parity("P-130", "P-131", "P-132", "P-135", "P-136", "P-139", "P-140", "P-141")
@pytest.mark.parametrize(
    ("expression", "value"),
    [
        # the developer guide's own table
        ("$request.body.action", "join"),
        ("${request.body.action}", "join"),
        ("${request.body.service}/${request.body.action}", "chat/join"),
        ("${request.body.action}-${request.body.invalidPath}", "join-"),
        ("action", "action"),
        (r"\$default", "$default"),
        # the ends of variables
        ("$request.body.service/$request.body.action", "chat/join"),
        ("$request.body.service $request.body.action", "chat join"),
        ("a$request.body.actionb", "a"),
        ("$request.body.action,x", "join,x"),
        ("{$request.body.action}", "{join}"),
        ("x${request.body.action}y", "xjoiny"),
        ("$request.body.service$request.body.action", "chatjoin"),
        # paths
        ("$request.body.data.room", "room1234"),
        ("$request.body['action']", "join"),
        ("$request.body['data']['room']!", "room1234!"),
        ("${request.body['data'].items[1]}", "item2"),
        ("$request.body.data.items[-1]", "item2"),
        ("$request.body.a-b", "dash"),
        ("$request.body.@t", "at"),
        ("$request.body.ü", "umlaut"),
        ("$request.body['']", "empty"),
        ("$request.body..room", "[room1234]"),
        ("$request.body.data.items[*]", "[item1, item2]"),
        ("$request.body.data.items.length()", "2"),
        ("${request.body.data.items[?(@ == 'item2')]}", "[item2]"),
        ("$request.body.data.items[?(@ == 'item2')]/x", "[item2]/x"),
        # results as texts
        ("$request.body.data.items", "[item1, item2]"),
        ("$request.body.n", "1"),
        ("$request.body.f", "1.0"),
        ("$request.body.t", "true"),
        ("$request.body.null", "null"),
        ("$request.body.data.o", '{"k":[1,null]}'),
        ("$request.body.none", ""),
        ("$request.body.n.x", ""),
        # literals
        (r"a\$b", "a$b"),
        (r"\$request.body.action", "$request.body.action"),
        ("a\\b", "a\\b"),
        (r"\\$default", r"\$default"),
        ("}", "}"),
        ("$request.body.n[", "1["),
    ],
)
def test_the_value_of_an_expression(expression: str, value: str) -> None:
    assert parse(expression, ROUTE).select(DOC) == value


def test_the_whole_body() -> None:
    assert parse("$request.body", ROUTE).select('[1, "a"]') == "[1, a]"
    assert parse("${request.body}", ROUTE).select('"text"') == "text"


@pytest.mark.parity("P-145")
@pytest.mark.parametrize(
    "body", ["", "hello", "{", "{'action':'join'}", "NaN", "\x00", "[" * 50_000, '{"action":"join"} x']
)
@pytest.mark.parametrize(
    "expression", ["$request.body.action", "$request.body..a", "static", "${request.body.a}/${request.body.b}"]
)
def test_a_body_that_is_not_json_has_no_value(expression: str, body: str) -> None:
    assert parse(expression, ROUTE).select(body) is None


@pytest.mark.parity("P-141", "P-146")
@pytest.mark.parametrize("body", ["1", "null", '"action"', "[]", "{}", '["action"]', '{"Action":"join"}'])
def test_json_without_the_member_selects_the_empty_text(body: str) -> None:
    assert parse("$request.body.action", ROUTE).select(body) == ""
    assert parse("x${request.body.action.b}", ROUTE).select(body) == "x"


def test_a_literal_is_kept_whole() -> None:
    assert parse(r"a\$b\c", ROUTE).parts == (r"a$b\c",)


def test_the_common_form_is_recognised() -> None:
    assert parse("$request.body.action", ROUTE).member == "action"
    assert parse("${request.body['a b']}", ROUTE).member == "a b"
    assert [
        parse(text, ROUTE).member for text in ("static", "$request.body", "$request.body.a.b", "$request.body.a/")
    ] == [None] * 4


@pytest.mark.parity("P-134", "P-138")
@pytest.mark.parametrize(
    ("expression", "position", "said"),
    [
        ("", 0, "must not be empty"),
        ("$request.header.x", 1, "may only use $request.body"),
        ("x/$context.stage", 3, "may only use"),
        ("$request.bodyx", 1, "may only use"),
        ("$request.querystring.a", 1, "may only use"),
        ("$", 0, r"write \$"),
        ("a$", 1, r"write \$"),
        ("$default", 1, "not $default"),
        ("$$request.body.a", 0, r"write \$"),
        ("${request.body.a", 0, "closing brace"),
        ("${}", 2, "may only use"),
        ("$request.body.a.", 15, "end with a dot"),
        ("${request.body.}", 14, "end with a dot"),
        ("$request.body.a[?(@.b nin ['c'])]", 22, "nin"),
        ("${request.body.a b}", 17, "not a JSONPath"),
        ("$request.body.a.shout()", 15, "shout()"),
    ],
)
def test_what_a_route_selection_refuses(expression: str, position: int, said: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(expression, ROUTE)
    assert said in caught.value.message
    assert caught.value.position == position


def test_an_error_names_the_property() -> None:
    with pytest.raises(ValueError, match="ModelSelectionExpression may only use"):
        parse("$request.header.x", MODEL)


@pytest.mark.parity("P-153")
def test_the_api_key_selection_has_two_values() -> None:
    assert parse("$request.header.x-api-key", API_KEY).parts == (Variable(Root.HEADER, "x-api-key"),)
    assert parse("$context.authorizer.usageIdentifierKey", API_KEY).parts == (
        Variable(Root.CONTEXT, "authorizer.usageIdentifierKey"),
    )
    with pytest.raises(ExpressionError, match="must be one of"):
        parse("$request.header.x-other", API_KEY)


def test_other_roots_are_resolved_by_the_caller() -> None:
    every = Scope("Test", frozenset(Root))
    selection = parse(
        "$request.header.X-A/${request.querystring.q}:$context.stage,${stageVariables.v}$request.body.b", every
    )
    assert selection.evaluate(lambda variable: f"<{variable.root.name} {variable.name}>") == (
        "<HEADER X-A>/<QUERYSTRING q>:<CONTEXT stage>,<STAGE_VARIABLE v><BODY b>"
    )


@pytest.mark.parametrize("expression", ["$context", "$context.", "${context.a b}", "$request.header['a']"])
def test_other_roots_need_a_plain_name(expression: str) -> None:
    with pytest.raises(ExpressionError, match="needs a name"):
        parse(expression, Scope("Test", frozenset({Root.HEADER, Root.CONTEXT})))


PIECES = st.sampled_from(
    ["$", "{", "}", "\\", "/", "request.body", ".a", ".b", "[0]", "['a']", "..", "[*]", "x", " ", "()", "[?(@.a", ")]"]
)
EXPRESSIONS = st.lists(PIECES, max_size=10).map("".join) | st.text()
BODIES = (
    st.text()
    | st.lists(
        st.sampled_from([*'{}[]":,', '"a"', '"b"', "1", "1e9", "null", "9" * 4400, r'"\ud800"']), max_size=12
    ).map("".join)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=3),
    ).map(json.dumps)
)


@pytest.mark.parity("P-142")
@given(EXPRESSIONS, BODIES)
def test_any_expression_parses_or_is_refused_and_then_selects_from_any_body(text: str, body: str) -> None:
    try:
        selection = parse(text, ROUTE)
    except ExpressionError as error:
        assert 0 <= error.position <= len(text)
        return
    value = selection.select(body)
    assert value is None or isinstance(value, str)


@given(st.text(alphabet=st.characters(exclude_characters="$\\"), min_size=1))
def test_a_text_without_dollar_or_backslash_is_itself(text: str) -> None:
    assert parse(text, ROUTE).select("{}") == text


@given(BODIES, st.sampled_from("ab"))
def test_the_fast_path_agrees_with_the_general_one(body: str, name: str) -> None:
    fast, general = parse(f"$request.body.{name}", ROUTE), parse(f"$request.body.{name}\\$", ROUTE)
    expected = general.select(body)
    assert fast.select(body) == (None if expected is None else expected.removesuffix("$"))


@pytest.mark.parity("P-142")
@pytest.mark.parametrize("depth", [10, 400, 900, 990, 2000, 100_000])
@pytest.mark.parametrize(
    "expression", ["$request.body.a", "$request.body", "$request.body..a", "$request.body.a..b.length()"]
)
def test_depth_never_raises(expression: str, depth: int) -> None:
    body = '{"a":' * depth + "[" * depth + "]" * depth + "}" * depth
    value = parse(expression, ROUTE).select(body)
    assert value is None or isinstance(value, str)
