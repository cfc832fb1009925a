from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.template.document import MAX_NODES, Document, parse


def content(text: str) -> Any:
    document = parse(text, "t.yaml")
    assert isinstance(document, Document), document
    return document.content


def messages(text: str) -> list[str]:
    problems = parse(text, "t.yaml")
    assert isinstance(problems, list)
    return [problem.message for problem in problems]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("2010-09-09", "2010-09-09"),
        ("2024-02-29T10:00:00Z", "2024-02-29T10:00:00Z"),
        ("012345678901", "012345678901"),
        ("000000000000", "000000000000"),
        ("0", 0),
        ("-7", -7),
        ("0x10", 16),
        ("12345678901234567890", "12345678901234567890"),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", "1e3"),
        ("1.2.3", "1.2.3"),
        ("1_000", "1_000"),
        ("12:30:00", "12:30:00"),
        ("yes", True),
        ("Off", False),
        ("y", "y"),
        ("~", None),
        ("", None),
        ("'true'", "true"),
        ('"5"', "5"),
        ("!!str 5", "5"),
        ("!!int five", "five"),
        ("=", "="),
    ],
)
def test_scalars(written: str, value: object) -> None:
    assert content(f"a: {written}") == {"a": value}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("!Ref Table", {"Ref": "Table"}),
        ("!Condition IsProd", {"Condition": "IsProd"}),
        ("!GetAtt Table.Arn", {"Fn::GetAtt": ["Table", "Arn"]}),
        ("!GetAtt Stack.Outputs.Name", {"Fn::GetAtt": ["Stack", "Outputs.Name"]}),
        ("!GetAtt [Table, Arn]", {"Fn::GetAtt": ["Table", "Arn"]}),
        ("!Sub '${A}'", {"Fn::Sub": "${A}"}),
        ("!Join [',', [!Ref A, b]]", {"Fn::Join": [",", [{"Ref": "A"}, "b"]]}),
        ("!If [C, !Ref A, !Ref 'AWS::NoValue']", {"Fn::If": ["C", {"Ref": "A"}, {"Ref": "AWS::NoValue"}]}),
        ("!Base64 5", {"Fn::Base64": "5"}),
        ("!Transform {Name: x}", {"Fn::Transform": {"Name": "x"}}),
    ],
)
def test_short_tags(written: str, value: object) -> None:
    assert content(f"a: {written}") == {"a": value}


def test_lines() -> None:
    document = parse("A:\n  B:\n    - x\n    - C: !Sub\n        - y\n        - {}\n", "t.yaml")
    assert isinstance(document, Document)
    lines = document.lines
    assert lines[("A",)] == 1
    assert lines[("A", "B")] == 2
    assert lines[("A", "B", 1)] == 4
    assert lines[("A", "B", 1, "C", "Fn::Sub", 0)] == 5


def test_a_merge_gives_way_to_what_is_written() -> None:
    text = "base: &base {a: 1, b: 1}\nmore: &more {b: 2, c: 2}\nall:\n  a: 3\n  <<: [*base, *more]\n"
    document = parse(text, "t.yaml")
    assert isinstance(document, Document)
    assert document.content["all"] == {"a": 3, "b": 1, "c": 2}
    assert document.lines[("all", "a")] == 4


def test_json_may_indent_with_tabs_and_escape_beyond_the_basic_plane() -> None:
    assert content('{\n\t"a\\tb": "\\ud83d\\ude00 \\/"\n}') == {"a\tb": "\U0001f600 /"}
    assert content('{"a": "\\ud83d"}') == {"a": "\ufffd"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("# only a comment", "the file is empty"),
        ("text", "this is not a template"),
        ("a: 1\n---\nb: 2", "the YAML is broken: expected a single document in the stream but found another document"),
        ("a: " + "x" * 1_048_576, "the template is longer than 1048576 characters"),
        ("a: \x01", "the file holds characters that YAML does not allow"),
        ("a: {b: &b [*b]}", "the template nests deeper than 60 levels"),
        ("[" * 5000, "the template nests deeper than 60 levels"),
        ("a: !Foo b", "unknown tag !Foo"),
        ("a: !!python/name:os.system b", "unknown tag !!python/name:os.system"),
        ("a: 1\na: 2", "'a' is given twice"),
    ],
)
def test_broken(text: str, message: str) -> None:
    assert messages(text) == [message]


def test_aliases_cannot_explode() -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 8)]
    assert messages("\n".join(rows)) == [f"the template expands to more than {MAX_NODES} values"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=8), json_values, max_size=4), st.sampled_from([None, 2, "\t"]))
def test_json_reads_as_json(value: dict[str, Any], indent: int | str | None) -> None:
    assert content(json.dumps(value, indent=indent)) == value


@given(st.text(max_size=80) | st.text(st.sampled_from("a:!&*<-[]{}\"'\\\n\t |>#%U~0.ex"), max_size=60))
def test_any_text_is_a_document_or_problems(text: str) -> None:
    document = parse(text, "t.yaml")
    assert document if isinstance(document, list) else not math.isnan(len(document.lines))
