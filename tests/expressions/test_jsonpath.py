"""JSONPath against Jayway's results, table by table, and no raise on any text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.expressions.jsonpath import MISSING, Found, compile_path
from gateway.model.errors import ExpressionError
from gateway.model.json_text import Json

STORE: Json = {
    "action": "join",
    "null": None,
    "a-b": "dash",
    "sp ace": "blank",
    "a.b": "dot",
    "it's": "quote",
    "größe": {"ß": "sharp"},
    "0": "zero",
    "@type": "at",
    "list": [10, 20, {"x": [1, 2]}],
    "numbers": [1, 2, 3, 4],
    "book": [
        {"title": "one", "price": 8.95, "category": "reference"},
        {"title": "two", "price": 12.99, "category": "fiction", "isbn": None},
        {"title": "three", "price": 8.99, "category": "fiction"},
    ],
}


@pytest.mark.parity("P-136")
@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", STORE),
        ("$.action", "join"),
        ("$['action']", "join"),
        ('$["action"]', "join"),
        ("$.['action']", "join"),
        ("$[ 'action' ]", "join"),
        ("$.null", None),
        ("$.a-b", "dash"),
        ("$['sp ace']", "blank"),
        ("$['a.b']", "dot"),
        (r"$['it\'s']", "quote"),
        ('$["it\'s"]', "quote"),
        (r"$['gr\u00f6\u00DFe']", {"ß": "sharp"}),
        (r"$['gr\u00f6ße']['ß']", "sharp"),
        ("$.größe.ß", "sharp"),
        ("$.0", "zero"),
        ("$.@type", "at"),
        ("$.list[0]", 10),
        ("$.list[ 1 ]", 20),
        ("$.list[-1].x[-2]", 1),
        ("$.list[2]['x'][1]", 2),
        # nothing there
        ("$.none", MISSING),
        ("$.action.x", MISSING),
        ("$.null.x", MISSING),
        ("$.list.x", MISSING),
        ("$.list.0", MISSING),
        ("$.list[3]", MISSING),
        ("$.list[-4]", MISSING),
        ("$[0]", MISSING),
        ("$.action[0]", MISSING),
        ("$.Action", MISSING),
        # several members stay together as an object at the end of a path
        ("$['action','a-b']", {"action": "join", "a-b": "dash"}),
        ("$['action','none']", {"action": "join"}),
        ("$.list['x','y']", MISSING),
    ],
)
def test_a_definite_path_yields_one_value_or_missing(path: str, found: Found) -> None:
    assert compile_path(path).find(STORE) == found


@pytest.mark.parity("P-136")
@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$..title", ["one", "two", "three"]),
        ("$.book[*].price", [8.95, 12.99, 8.99]),
        ("$.numbers[*]", [1, 2, 3, 4]),
        ("$.numbers[0,2]", [1, 3]),
        ("$.numbers[1:3]", [2, 3]),
        ("$.numbers[:2]", [1, 2]),
        ("$.numbers[-2:]", [3, 4]),
        ("$.numbers.*", [1, 2, 3, 4]),
        ("$..nothing", []),
        ("$.nothing[*]", []),
        ("$..x[0]", [1]),
        ("$.book[?(@.price < 10)].title", ["one", "three"]),
        ("$.book[?(@.category == 'fiction')].title", ["two", "three"]),
        ("$.book[?(@.isbn)].title", ["two"]),
        ("$.book[?(!@.isbn)].title", ["one", "three"]),
        ("$.book[?(@.price < 10 && @.category == 'fiction')].title", ["three"]),
        ("$.book[?(@.price > 10 || @.title == 'one')].title", ["one", "two"]),
        ("$.book[?(@.category in ['reference'])].title", ["one"]),
        ("$.book[?(@.title =~ /T.*/i)].title", ["two", "three"]),
        ("$.book[?(@.title =~ /w/)].title", []),
        ("$.book[?(@.title < 5)].title", []),
        ("$.book[?(@.price > $.numbers[0])].title", ["one", "two", "three"]),
        ("$['book','list'][0]", [{"title": "one", "price": 8.95, "category": "reference"}, 10]),
    ],
)
def test_an_indefinite_path_yields_an_array(path: str, found: Found) -> None:
    assert compile_path(path).find(STORE) == found


@pytest.mark.parity("P-137")
@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$.numbers.length()", 4),
        ("$.length()", 12),
        ("$.action.length()", None),
        ("$.none.length()", MISSING),
        ("$.numbers.min()", 1.0),
        ("$.numbers.max()", 4.0),
        ("$.numbers.sum()", 10.0),
        ("$.numbers.avg()", 2.5),
        ("$.list.stddev()", 5.0),
        ("$.action.sum()", MISSING),
        ("$.numbers.first()", 1),
        ("$.numbers.last()", 4),
        ("$.action.first()", MISSING),
        ("$.book[0].keys()", ["title", "price", "category"]),
        ("$.action.keys()", None),
        ("$..title.length()", 3),
        ("$.book[*].length()", [3, 4, 3]),
        ("$.book[*].first()", []),
    ],
)
def test_a_function_ends_a_path(path: str, found: Found) -> None:
    assert compile_path(path).find(STORE) == found


@pytest.mark.parametrize("document", [None, True, 1, 1.5, "text", '{"a":1}', []])
@pytest.mark.parametrize("path", ["$.a", "$..a", "$.*", "$[0]", "$[?(@.a)]"])
def test_a_document_without_members(path: str, document: Json) -> None:
    assert compile_path(path).find(document) in (MISSING, [])


@pytest.mark.parity("P-138")
@pytest.mark.parametrize(
    ("path", "position", "said"),
    [
        ("", 0, "starts with $"),
        ("a", 0, "starts with $"),
        ("$.a.", 3, "end with a dot"),
        ("$.", 1, "end with a dot"),
        ("$.a..", 4, "end with a dot"),
        ("$.a[", 4, "not a JSONPath"),
        ("$.a b", 4, "not a JSONPath"),
        ("$.a[?(@.b nin ['c'])]", 10, "the filter operator nin"),
        ("$.a[?(@.b size 1)]", 10, "size"),
        ("$.a[?(@.b =~ /(/)]", 0, "not a JSONPath"),
        ("$.a.shout()", 3, "shout() is not"),
        ("$.a[?(", 6, "not a JSONPath"),
        ("$.a | $.b", 0, "not a JSONPath"),
    ],
)
def test_what_is_refused(path: str, position: int, said: str) -> None:
    with pytest.raises(ExpressionError, match=None) as caught:
        compile_path(path)
    assert said in caught.value.message
    assert caught.value.position == position


@pytest.mark.parametrize(("path", "name"), [("$.a", "a"), ("$['a b']", "a b"), ("$", None), ("$.a.b", None)])
def test_the_name_of_a_path_of_one_name(path: str, name: str | None) -> None:
    assert compile_path(path).name == name


@pytest.mark.parametrize("path", ["$[0]", "$.a.length()", "$..a", "$['a','b']"])
def test_other_paths_of_one_step_have_no_name(path: str) -> None:
    assert compile_path(path).name is None


PIECES = st.sampled_from(
    [*".[]()*?@'\",:-0 19ab|&!=<>~/\\$^#", "..", "['a']", "[*]", "[?(@.a", "length()", "&&", " in ", "=~ /a/", "null"]
)
PATHS = st.lists(PIECES, max_size=12).map(lambda pieces: "$" + "".join(pieces))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.sampled_from(["a", "b", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "0"]), inner, max_size=3),
    max_leaves=8,
)


@given(PATHS, VALUES)
def test_any_text_compiles_or_is_refused_and_what_compiled_never_raises(text: str, document: Json) -> None:
    try:
        path = compile_path(text)
    except ExpressionError as error:
        assert 0 <= error.position <= len(text)
    else:
        path.find(document)


@given(st.lists(st.sampled_from(["a", "b", "0", 0, 1, -1]), max_size=4), VALUES)
def test_a_definite_path_is_a_walk(steps: list[str | int], document: Json) -> None:
    text = "$" + "".join(f"['{step}']" if isinstance(step, str) else f"[{step}]" for step in steps)
    expected: Found = document
    for step in steps:
        try:
            kind = dict if isinstance(step, str) else list
            expected = expected[step] if isinstance(expected, kind) else MISSING  # type: ignore[index]
        except LookupError:
            expected = MISSING
    assert compile_path(text).find(document) == expected
