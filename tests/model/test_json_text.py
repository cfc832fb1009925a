"""JSON in and out: strict reading, Java's texts."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.json_text import Json, NotJson, number_text, read, read_bytes, text_of, write

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
DOCUMENTS = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "hello",
        "{",
        "{'a':1}",
        "NaN",
        '{"a":NaN}',
        "[Infinity]",
        "-Infinity",
        '"a\nb"',
        "01",
        "[1,]",
        "\ufeff{}",
        "[" * 100_000,
        '{"a":' * 100_000,
        "9" * 5000 + "x",
        "[" + "9" * 5000 + ", NaN]",
    ],
)
def test_not_json(text: str) -> None:
    with pytest.raises(NotJson):
        read(text)


def test_bytes_are_utf_8() -> None:
    assert read_bytes('"ü"'.encode()) == "ü"
    with pytest.raises(NotJson):
        read_bytes(b'"\xff"')


def test_the_last_of_a_repeated_key_counts() -> None:
    assert read('{"a":1,"a":2}') == {"a": 2}


def test_a_number_of_any_length_keeps_its_digits() -> None:
    digits = "-" + "7" * 20_000
    value = read(f'{{"n":[{digits}, 1]}}')
    assert isinstance(value, dict)
    assert text_of(value["n"]) == f"[{digits}, 1]"
    assert write(value) == f'{{"n":[{digits},1]}}'


@pytest.mark.parametrize(
    ("json_text", "text"),
    [
        ('"a"', "a"),
        ('""', ""),
        ("1", "1"),
        ("-0", "0"),
        ("123456789012345678901234567890", "1234567890" * 3),
        ("1.0", "1.0"),
        ("1.50", "1.5"),
        ("-0.0", "-0.0"),
        ("1e3", "1000.0"),
        ("1E7", "1.0E7"),
        ("12345678.9", "1.23456789E7"),
        ("0.001", "0.001"),
        ("0.00015", "1.5E-4"),
        ("9999999.5", "9999999.5"),
        ("1e400", "Infinity"),
        ("-1e400", "-Infinity"),
        ("true", "true"),
        ("false", "false"),
        ("null", "null"),
        ("[]", "[]"),
        ('["item1","item2"]', "[item1, item2]"),
        ('[1,[true,"a"],null]', "[1, [true, a], null]"),
        ("{}", "{}"),
        ('{"b" : [1, "ü"], "a":{"c":1e3}}', '{"b":[1,"ü"],"a":{"c":1000.0}}'),
        ('[{"a":[1,2]}]', '[{"a":[1,2]}]'),
        (r'"\ud800"', "\ud800"),
    ],
)
def test_the_text_of_a_value(json_text: str, text: str) -> None:
    assert text_of(read(json_text)) == text


def test_a_long_whole_number_is_not_written_with_an_exponent() -> None:
    assert number_text(Decimal("1" + "0" * 5000)) == "1" + "0" * 5000


@given(DOCUMENTS)
def test_what_is_written_reads_back(document: Json) -> None:
    assert read(write(document)) == document


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_fraction_reads_back_from_its_text(value: float) -> None:
    assert float(number_text(value)) == value


@given(st.text() | DOCUMENTS.map(json.dumps))
def test_any_text_reads_as_the_standard_library_reads_it_or_is_not_json(text: str) -> None:
    try:
        expected = json.loads(text)
    except ValueError:
        with pytest.raises(NotJson):
            read(text)
    else:
        try:
            assert read(text) == expected
        except NotJson:
            assert any(word in text for word in ("NaN", "Infinity"))
