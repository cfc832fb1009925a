"""``$util`` by table: the results of AWS's Java libraries to the character."""

from __future__ import annotations

import pytest

from gateway.expressions.vtl import TemplateFailed
from template_variables import rendered


@pytest.mark.parity("P-266")
@pytest.mark.parametrize(
    ("call", "body", "result"),
    [
        ("escapeJavaScript", "it's", r"it\'s"),
        ("escapeJavaScript", '{"a": "b\\n"}\n\t\b\f\r', r"{\"a\": \"b\\n\"}\n\t\b\f\r"),
        ("escapeJavaScript", "a/b", r"a\/b"),
        ("escapeJavaScript", "\x01é\x7f\x80😀", "\\u0001\\u00E9\x7f\\u0080\\uD83D\\uDE00"),
        ("urlEncode", "a b+c&d=ä*-._~/", "a+b%2Bc%26d%3D%C3%A4*-._%7E%2F"),
        ("urlDecode", "a+b%2Bc%C3%A4%zz", "a b+cä%zz"),
        ("base64Encode", "ä?", "w6Q/"),
        ("base64Decode", "w6Q/", "ä?"),
        ("base64Decode", "/w==", "\ufffd"),
        ("parseJson", '"text"', "text"),
        ("parseJson", '{"a": 1.0}', "{a=1.0}"),
    ],
)
def test_functions(call: str, body: str, result: str) -> None:
    assert rendered(f"$util.{call}($input.body)", body) == result


def test_a_quote_comes_back_by_the_documented_way() -> None:
    text = "$util.escapeJavaScript($input.path('$.a')).replaceAll(\"\\\\'\",\"'\")"
    assert rendered(text, '{"a": "it\'s \\"so\\""}') == 'it\'s \\"so\\"'


@pytest.mark.parity("P-266")
def test_parsed_json_is_navigable() -> None:
    assert (
        rendered("$util.parseJson($input.path('$.inner')).a[1].b", '{"inner": "{\\"a\\": [0, {\\"b\\": 5}]}"}') == "5"
    )


@pytest.mark.parametrize(
    ("text", "result"),
    [("$util.escapeJavaScript($nope)|", "|"), ("$util.escapeJavaScript(12)", "12"), ("$util.nope('x')|$util.x|", "||")],
)
def test_what_is_no_string(text: str, result: str) -> None:
    assert rendered(text) == result


@pytest.mark.parametrize(
    ("text", "why"), [("$util.parseJson('{a')", "not JSON"), ("$util.base64Decode('a')", "base64")]
)
def test_what_cannot_be_read_fails(text: str, why: str) -> None:
    with pytest.raises(TemplateFailed, match=why):
        rendered(text)
