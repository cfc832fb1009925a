"""Selection expressions (parity 3.1, 3.2): ``$request.body.a``, ``${request.body.a}/${request.body.b}``, ``static``.

``parse`` reads one once, against the closed set of variables its use allows; a ``Selection`` is then evaluated per
message. It knows no routes: what the value is compared with is its caller's business.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from gateway.expressions.jsonpath import MISSING, Path, compile_path
from gateway.model.errors import ExpressionError
from gateway.model.json_text import NotJson, read, text_of


class Root(Enum):
    """Where a variable takes its value from."""

    BODY = "request.body"
    HEADER = "request.header"
    QUERYSTRING = "request.querystring"
    CONTEXT = "context"
    STAGE_VARIABLE = "stageVariables"
    INTEGRATION_STATUS = "integration.response.statuscode"
    INTEGRATION_HEADER = "integration.response.header"
    INTEGRATION_MULTI_HEADER = "integration.response.multivalueheader"


@dataclass(frozen=True, slots=True)
class Scope:
    """What one kind of expression may say: its AWS property, its roots, and its only values if AWS lists them."""

    subject: str
    roots: frozenset[Root]
    values: frozenset[str] = frozenset()


ROUTE: Final = Scope("RouteSelectionExpression", frozenset({Root.BODY}))
MODEL: Final = Scope("ModelSelectionExpression", frozenset({Root.BODY}))
TEMPLATE: Final = Scope("TemplateSelectionExpression", frozenset({Root.BODY}))
RESPONSE_TEMPLATE: Final = Scope(
    "TemplateSelectionExpression",
    frozenset({Root.BODY, Root.INTEGRATION_STATUS, Root.INTEGRATION_HEADER, Root.INTEGRATION_MULTI_HEADER}),
)
API_KEY: Final = Scope(
    "ApiKeySelectionExpression",
    frozenset({Root.HEADER, Root.CONTEXT}),
    frozenset({"$request.header.x-api-key", "$context.authorizer.usageIdentifierKey"}),
)


@dataclass(frozen=True, slots=True)
class Variable:
    """``name`` is what follows the root (empty for a root by itself); ``path`` is set exactly for a body variable."""

    root: Root
    name: str
    path: Path | None = None


Part = str | Variable
Resolver = Callable[[Variable], str]


@dataclass(frozen=True, slots=True)
class Selection:
    """A compiled expression. ``member`` is the name in ``$request.body.name`` when it is nothing more than that."""

    text: str
    parts: tuple[Part, ...]
    member: str | None = None

    def select(self, body: str) -> str | None:
        """The value for a message, None when it is not JSON (also of a static expression). Never raises.

        For expressions whose variables are all body variables.
        """
        try:
            document = read(body)
            if self.member is not None and type(document) is dict:
                value = document.get(self.member, "")
                return value if type(value) is str else text_of(value)
            return self.evaluate(lambda variable: _found(variable, document))
        except (NotJson, RecursionError):
            return None

    def evaluate(self, resolve: Resolver) -> str:
        """The value with every variable's text taken from ``resolve``, once and left to right."""
        return "".join(part if isinstance(part, str) else resolve(part) for part in self.parts)


def _found(variable: Variable, document: object) -> str:
    assert variable.path is not None, "a body expression has body variables only"
    value = variable.path.find(document)  # type: ignore[arg-type]
    return "" if value is MISSING else text_of(value)


def parse(text: str, scope: Scope) -> Selection:
    """Compile an expression. Raises ExpressionError with a position in ``text`` for what AWS would refuse."""
    if not text:
        raise ExpressionError(f"{scope.subject} must not be empty", 0)
    if scope.values and text not in scope.values:
        raise ExpressionError(f"{scope.subject} must be one of {', '.join(sorted(scope.values))}", 0)
    parts = tuple(_merged(_parts(text, scope)))
    return Selection(text, parts, _only_member(parts))


def _only_member(parts: Sequence[Part]) -> str | None:
    first = parts[0] if len(parts) == 1 else ""
    return first.path.name if isinstance(first, Variable) and first.path is not None else None


def _merged(parts: Iterator[Part]) -> Iterator[Part]:
    """Neighbouring literals as one."""
    literal = ""
    for part in parts:
        if isinstance(part, str):
            literal += part
            continue
        if literal:
            yield literal
        literal = ""
        yield part
    if literal:
        yield literal


_QUOTED: Final = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_BRACKETS: Final = rf"\[(?:{_QUOTED}|[^\[\]'\"]|\[(?:{_QUOTED}|[^\[\]'\"])*\])*\]"
# Without braces a variable ends where no path could go on: at a blank, a slash, a comma, the next dollar …
_BARE: Final = re.compile(rf"\$((?:[\w.@*-]|\(\)|{_BRACKETS})+)", re.DOTALL)
_BRACED: Final = re.compile(rf"\$\{{((?:{_QUOTED}|{_BRACKETS}|[^'\"{{}}\[\]])*)\}}", re.DOTALL)
_LITERAL: Final = re.compile(r"[^$\\]+")


def _parts(text: str, scope: Scope) -> Iterator[Part]:
    position = 0
    while position < len(text):
        if text.startswith("\\$", position):
            yield "$"
            position += 2
        elif match := _LITERAL.match(text, position):
            yield match[0]
            position = match.end()
        elif text[position] == "\\":
            yield "\\"
            position += 1
        else:
            match = _variable_at(text, position)
            yield _variable(match[1], match.start(1), scope)
            position = match.end()


def _variable_at(text: str, position: int) -> re.Match[str]:
    braced = text.startswith("${", position)
    if match := (_BRACED if braced else _BARE).match(text, position):
        return match
    if braced:
        raise ExpressionError("${ without its closing brace", position)
    raise ExpressionError(r"a $ must begin a variable; write \$ for a literal dollar", position)


def _variable(text: str, position: int, scope: Scope) -> Variable:
    for root in scope.roots:
        rest = text.removeprefix(root.value)
        if rest != text and (not rest or rest[0] in ".["):
            return _rooted(root, rest, position + len(root.value))
    allowed = " or ".join(sorted(f"${root.value}" for root in scope.roots))
    raise ExpressionError(f"{scope.subject} may only use {allowed}, not ${text}", position)


_PLAIN_NAME: Final = re.compile(r"\.[A-Za-z0-9._$-]+\Z")


def _rooted(root: Root, rest: str, position: int) -> Variable:
    if root is Root.INTEGRATION_STATUS:
        if rest:
            raise ExpressionError(f"nothing follows ${root.value}", position)
        return Variable(root, "")
    if root is not Root.BODY:
        if not _PLAIN_NAME.match(rest):
            raise ExpressionError(f"${root.value} needs a name, as in ${root.value}.name", position)
        return Variable(root, rest[1:])
    try:
        return Variable(root, rest[1:] if rest.startswith(".") else rest, compile_path(f"${rest}"))
    except ExpressionError as error:  # its positions count from the $ put in front
        raise ExpressionError(error.message, position + max(error.position - 1, 0)) from None
