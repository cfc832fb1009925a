from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.expressions.log_format import (
    Variable,
    is_one_line,
    names_the_request,
    parse,
    unknown_names,
)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ()),
        ("nothing", ("nothing",)),
        ("$context.requestId", (Variable("requestId", False),)),
        ("${context.requestId}", (Variable("requestId", False),)),
        ("a $context.identity.sourceIp b", ("a ", Variable("identity.sourceIp", False), " b")),
        ("$context.status.", (Variable("status", False), ".")),
        ("$context.status$context.stage", (Variable("status", False), Variable("stage", False))),
        ("${context.status}s", (Variable("status", False), "s")),
        ("$context.authorizer.my-key", (Variable("authorizer.my-key", False),)),
        ("${context.authorizer.my key}", (Variable("authorizer.my key", False),)),
        ("$contextual $context. ${context.", ("$contextual $context. ${context.",)),
        ("$input.body $stageVariables.a", ("$input.body $stageVariables.a",)),
        ('"$context.stage"', ('"', Variable("stage", True), '"')),
        (r'"\"$context.stage" $context.stage', (r'"\"', Variable("stage", True), '" ', Variable("stage", False))),
        ("a\r\n  $context.stage\n", ("a ", Variable("stage", False))),
    ],
)
def test_parse(text: str, parts: tuple[object, ...]) -> None:
    assert parse(text).parts == parts


@pytest.mark.parametrize(
    ("text", "is_xml"),
    [
        ('{"a": "$context.stage"}', False),
        ('\n<request id="$context.requestId"/>', True),
        ("$context.identity.sourceIp <-", False),
        ("", False),
    ],
)
def test_xml_is_told_apart(text: str, is_xml: bool) -> None:
    assert parse(text).is_xml is is_xml


def test_names_are_listed_once_and_in_order() -> None:
    assert parse("$context.status $context.apiId $context.status").names == ("status", "apiId")


@pytest.mark.parametrize(
    ("text", "names_it"),
    [
        ("$context.requestId", True),
        ("${context.extendedRequestId}", True),
        ("$context.requestTime", False),
        ("requestId", False),
        ("", False),
    ],
)
def test_a_format_names_its_request(text: str, names_it: bool) -> None:
    assert names_the_request(parse(text)) is names_it


def test_what_no_websocket_api_has() -> None:
    text = "$context.httpMethod $context.status $context.authorizer.anything $context.authorizer.principalId"
    assert unknown_names(parse(f"{text} $context.resourcePath $context.responseLength")) == (
        "httpMethod",
        "resourcePath",
    )


@pytest.mark.parametrize(("text", "one"), [("a", True), ("a\n", False), ("a\r\nb", False), ("", True)])
def test_one_line(text: str, one: bool) -> None:
    assert is_one_line(text) is one


@given(
    st.lists(st.sampled_from(["$context.", "${context.", "}", '"', "\\", "a.b", "$", "\n", " ", "<", "{"])).map("".join)
)
def test_any_text_is_a_format_of_one_line(text: str) -> None:
    parts = parse(text).parts
    assert not any("\n" in part for part in parts if isinstance(part, str))
    assert all(part for part in parts if isinstance(part, str))
