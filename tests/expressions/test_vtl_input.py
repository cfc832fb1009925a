"""``$input`` by table: body, JSON texts, paths that navigate, and the request's parameters."""

from __future__ import annotations

import pytest

from gateway.expressions.vtl import TemplateFailed
from template_variables import rendered

BODY = '{"a": {"b": [1, {"c": "d\\"e"}]}, "n": 1.0, "s": "x", "z": null, "e": []}'


@pytest.mark.parity("P-263")
@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("$input.body", BODY),
        ("$input.json('$')", '{"a":{"b":[1,{"c":"d\\"e"}]},"n":1.0,"s":"x","z":null,"e":[]}'),
        ("$input.json('$.a.b[1]')", '{"c":"d\\"e"}'),
        ("$input.json('$.s')", '"x"'),
        ("$input.json('$.n')", "1.0"),
        ("$input.json('$.z')", "null"),
        ("$input.json('$.nope')", '""'),
        ("$input.json('$..c')", '["d\\"e"]'),
        ("$input.path('$.a').b[1].c", 'd"e'),
        ("$input.path('$.a.b')", '[1,{"c":"d\\"e"}]'),
        ("$input.path('$.a')", '{b=[1,{"c":"d\\"e"}]}'),
        ("$input.path('$.a.b').size()", "2"),
        ("$input.path('$.nope')|$input.path('$.z')|", "||"),
        ("#set($p = '$.s')$input.path($p)", "x"),
        ("#set($b = $input.path('$'))#set($b.a = 'new')#set($i = $b.remove('z'))$input.json('$.a')", '"new"'),
    ],
)
def test_a_json_body(text: str, result: str) -> None:
    assert rendered(text, BODY) == result


@pytest.mark.parity("P-263")
@pytest.mark.parametrize(
    ("text", "result"),
    [("$input.body", "{}"), ("$input.json('$')", "{}"), ("$input.path('$')", "{}"), ("$input.path('$.a')", "")],
)
def test_no_body_is_an_empty_object(text: str, result: str) -> None:
    assert rendered(text, "") == result


@pytest.mark.parity("P-263")
@pytest.mark.parametrize(
    ("text", "result"),
    [("$input.body", "hi {"), ("$input.json('$')", '"hi {"'), ("$input.path('$')", "hi {"), ("$input.path('$.a')", "")],
)
def test_a_body_that_is_not_json_is_a_string(text: str, result: str) -> None:
    assert rendered(text, "hi {") == result


PARAMS = {"header": {"X-Id": "h", "both": "h"}, "querystring": {"q": "1", "both": "q"}, "path": {}}


@pytest.mark.parity("P-264")
@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("$input.params('q') $input.params('X-Id') $input.params('x-id')", "1 h h"),
        ("$input.params('both')", "q"),
        ("$input.params('nope')|", "|"),
        ("$input.params().querystring.q $input.params().header.get('X-Id')", "1 h"),
        ("#foreach($k in $input.params().get('header').keySet())$k;#end", "X-Id;both;"),
        ("#foreach($t in $input.params().keySet())$t;#end", "path;querystring;header;"),
        ("$input.nope|$input.path()|", "||"),
    ],
)
def test_parameters(text: str, result: str) -> None:
    assert rendered(text, params=PARAMS) == result


def test_a_path_that_is_none_fails() -> None:
    with pytest.raises(TemplateFailed, match="JSONPath"):
        rendered("$input.json('a.b')", BODY)


@pytest.mark.parametrize(
    "text",
    [
        "#set($d = $input.path('$'))#set($d.a = $d)$input.path('$..b')",
        "#set($d = $input.path('$'))#foreach($i in [1..60])#set($d.a = [$d.a, $d.a])#end$input.json('$..b')",
    ],
)
def test_a_document_that_a_template_made_endless_is_not_searched(text: str) -> None:
    with pytest.raises(TemplateFailed, match="steps"):
        rendered(text, BODY)
