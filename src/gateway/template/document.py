"""YAML or JSON text to plain values, with the line of every node.

Differs from a stock YAML loader where CloudFormation does: short tags (``!Ref``) become their long forms, dates stay
text (an unquoted ``2010-09-09``), a key given twice is a problem, numbers that start with 0 stay text (account IDs).
Knows nothing of sections, resources or functions beyond their spelling.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import yaml

from gateway.model.problem import Problem
from gateway.template.closest import did_you_mean
from gateway.template.findings import Findings, Path, in_order

MAX_CHARACTERS: Final = 1_048_576  # CloudFormation's limit in S3, in bytes there
MAX_NODES: Final = 200_000  # CloudFormation takes 1 MB of text; aliases could make far more of it
MAX_DEPTH: Final = 60  # far beyond any real template; keeps every later walk within the stack
_TOO_DEEP: Final = f"the template nests deeper than {MAX_DEPTH} levels"
_TOO_MUCH: Final = f"the template expands to more than {MAX_NODES} values"
_REFUSED: Final = "CloudFormation refuses it too"

_BARE_TAGS: Final = frozenset({"Ref", "Condition"})
_FUNCTION_TAGS: Final = frozenset({
    "And", "Base64", "Cidr", "Equals", "FindInMap", "ForEach", "GetAZs", "GetAtt", "If", "ImportValue", "Join",
    "Length", "Not", "Or", "Select", "Split", "Sub", "ToJsonString", "Transform",
})  # fmt: skip
_STANDARD: Final = "tag:yaml.org,2002:"
_KINDS: Final = ("str", "int", "float", "bool", "null", "map", "seq", "merge")
_STANDARD_TAGS: Final = frozenset(f"{_STANDARD}{kind}" for kind in _KINDS)


@dataclass(frozen=True, slots=True)
class Document:
    """``content`` is the whole template as plain values; ``lines`` the line (from 1) of each path in it."""

    content: dict[str, Any]
    lines: dict[Path, int]


class _Loader(yaml.SafeLoader):
    """Decides what an unquoted scalar is: JSON's types, YAML 1.1's words for true and false, no dates."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own shape


_WORDS = re.compile(r"^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$")
_INTEGER = re.compile(r"^[-+]?(?:0|[1-9][0-9]{0,17}|0x[0-9a-fA-F]{1,15})$")
_FLOAT = re.compile(r"^[-+]?(?:0|[1-9][0-9]{0,17})?\.[0-9]+(?:[eE][-+][0-9]{1,2})?$")
_NULL = re.compile(r"^(?:~|null|Null|NULL|)$")
_Loader.add_implicit_resolver(f"{_STANDARD}bool", _WORDS, list("yYnNtTfFoO"))
_Loader.add_implicit_resolver(f"{_STANDARD}int", _INTEGER, list("-+0123456789"))
_Loader.add_implicit_resolver(f"{_STANDARD}float", _FLOAT, list("-+0123456789."))
_Loader.add_implicit_resolver(f"{_STANDARD}merge", re.compile(r"^<<$"), ["<"])
_Loader.add_implicit_resolver(f"{_STANDARD}null", _NULL, ["~", "n", "N", ""])


def parse(text: str, file: str) -> Document | list[Problem]:
    """The document, or every problem of its text."""
    if len(text) > MAX_CHARACTERS:
        return [Problem(f"the template is longer than {MAX_CHARACTERS} characters", file, hint=_REFUSED)]
    try:
        root = _compose(text)
    except yaml.YAMLError as error:
        return [_broken(error, file, "JSON" if _is_json(text) else "YAML")]
    except RecursionError:
        return [Problem(_TOO_DEEP, file, hint=_REFUSED)]
    except (ValueError, OverflowError) as error:  # PyYAML on escapes beyond Unicode
        return [Problem(f"the YAML is broken: {error}", file, hint=_cure(""))]
    if root is None:
        return [Problem("the file is empty", file, hint="a template starts with a Resources section")]
    if not isinstance(root, yaml.MappingNode):
        hint = "a template is a mapping with a Resources section"
        return [Problem("this is not a template", file, root.start_mark.line + 1, hint=hint)]
    builder = _Builder(file)
    content = builder.value(root, (), 0)
    if builder.findings.problems:
        return list(in_order(builder.findings.problems))
    return Document(content, builder.lines)


def _compose(text: str) -> yaml.Node | None:
    # JSON may indent with tabs, YAML may not. In JSON a raw tab is never part of a string, so each can be a space.
    loader = _Loader(text.replace("\t", " ") if _is_json(text) else text)
    try:
        return loader.get_single_node()
    finally:
        loader.dispose()


def _is_json(text: str) -> bool:
    return text.lstrip("\ufeff \t\r\n").startswith("{")


def _broken(error: yaml.YAMLError, file: str, language: str) -> Problem:
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        what = " ".join(part for part in (error.context, error.problem) if part)
        return Problem(f"the {language} is broken: {what}", file, mark.line + 1 if mark else None, hint=_cure(what))
    hint = "save the file as plain UTF-8 text"
    return Problem("the file holds characters that YAML does not allow", file, hint=hint)


def _cure(what: str) -> str:
    if "\\t" in what:
        return "indent with spaces, not with tabs"
    if "alias" in what or "anchor" in what:
        return "an alias (*name) needs its anchor (&name) further up"
    return "look at this line and the one before it: indentation, a missing colon, quote or bracket"


class _Builder:
    """Turns nodes into values, keeping the line of each and stopping at what only an attack would contain."""

    def __init__(self, file: str) -> None:
        self.lines: dict[Path, int] = {}
        self.findings = Findings(file, self.lines)
        self._nodes = 0

    def value(self, node: yaml.Node, path: Path, depth: int) -> Any:
        self._nodes += 1
        self.lines.setdefault(path, node.start_mark.line + 1)
        if depth > MAX_DEPTH or self._nodes > MAX_NODES:
            if not self.findings.problems:
                self.findings.problem(_TOO_DEEP if depth > MAX_DEPTH else _TOO_MUCH, path[:1], _REFUSED)
            return None
        tag = node.tag
        if tag.startswith("!"):
            return self._function(node, tag[1:], path, depth)
        if tag not in _STANDARD_TAGS:
            self.findings.problem(f"unknown tag !!{tag.removeprefix(_STANDARD)}", path, "remove it")
        return self._plain(node, path, depth)

    def _function(self, node: yaml.Node, name: str, path: Path, depth: int) -> Any:
        key = name if name in _BARE_TAGS else f"Fn::{name}"
        if name not in _BARE_TAGS | _FUNCTION_TAGS:
            hint = did_you_mean(name, _BARE_TAGS | _FUNCTION_TAGS, "CloudFormation has no such short form")
            self.findings.problem(f"unknown tag !{name}", path, hint)
        argument = self._plain(node, (*path, key), depth + 1)
        if name == "GetAtt" and isinstance(argument, str):
            argument = argument.split(".", 1)
        return {key: argument}

    def _plain(self, node: yaml.Node, path: Path, depth: int) -> Any:
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, index), depth + 1) for index, item in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: Path, depth: int) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == f"{_STANDARD}merge":
                sources = value_node.value if isinstance(value_node, yaml.SequenceNode) else [value_node]
                for source in sources:
                    self._merge(source, merged, path, depth)
        return merged | self._own(node, path, depth)

    def _own(self, node: yaml.MappingNode, path: Path, depth: int) -> dict[str, Any]:
        own: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == f"{_STANDARD}merge":
                continue
            key, line = self._key(key_node, path), key_node.start_mark.line + 1
            place = (*path, key)
            if key in own:
                hint = f"it is already on line {self.lines[place]}: remove one of them"
                self.findings.problem(f"{key!r} is given twice", place, hint, line=line)
            self.lines[place] = line
            own[key] = self.value(value_node, place, depth + 1)
        return own

    def _merge(self, source: yaml.Node, mapping: dict[str, Any], path: Path, depth: int) -> None:
        values = self.value(source, path, depth + 1)
        if not isinstance(values, dict):
            self.findings.problem("<< merges mappings only", path, "point it at the anchor of a mapping")
            return
        for key, value in values.items():
            mapping.setdefault(key, value)

    def _key(self, node: yaml.Node, path: Path) -> str:
        if isinstance(node, yaml.ScalarNode):
            return _whole(node.value)
        self.findings.problem("a key must be text", path, "put a key, a colon and a space before the value")
        return ""

    def _scalar(self, node: yaml.Node) -> Any:
        text = str(node.value)
        match node.tag.removeprefix(_STANDARD):
            case "null" if _NULL.match(text):
                return None
            case "bool" if _WORDS.match(text):
                return text.lower() in ("yes", "true", "on")
            case "int" if _INTEGER.match(text):
                return int(text, 16) if "x" in text else int(text)
            case "float" if _FLOAT.match(text):
                return float(text)
            case _:
                return _whole(text)


def _whole(text: str) -> str:
    """JSON writes a character beyond U+FFFF as two escapes; YAML's reader leaves them apart."""
    if any("\ud800" <= char <= "\udfff" for char in text):
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
