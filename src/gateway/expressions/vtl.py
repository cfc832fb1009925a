"""Mapping templates (parity 5.3): compiled when a definition is loaded, rendered per message.

Rendering ends, always: it either returns text or raises TemplateFailed. What ``$input``, ``$context``,
``$stageVariables`` and ``$util`` hold comes with the ``Variables`` of the request or response that is mapped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from gateway.expressions.velocity.compiler import Run, compile_block, references
from gateway.expressions.velocity.execution import Frame, LeftLoop, RunFailed, Stopped
from gateway.expressions.velocity.syntax import parse
from gateway.expressions.velocity.values import BuiltIn, Value
from gateway.expressions.vtl_util import UTIL
from gateway.model.errors import ExpressionError
from gateway.model.limits import MAX_TEMPLATE_BYTES


class TemplateFailed(Exception):
    """A template could not be rendered: ``name`` is the template's, ``line`` counts from 1."""

    def __init__(self, name: str, line: int, message: str) -> None:
        super().__init__(f"{name}, line {line}: {message}")
        self.name = name
        self.line = line
        self.message = message


class Variables(Protocol):
    """What a template is about; a method is called at most once per rendering, and only when the template asks."""

    def input(self) -> BuiltIn: ...

    def context(self) -> dict[str, Value]: ...

    def stage_variables(self) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class Template:
    """``roots`` are the gateway's variables that the text mentions."""

    name: str
    run: Run
    roots: frozenset[str]

    def render(self, variables: Variables) -> str:
        """Raises TemplateFailed and nothing else."""
        frame = Frame(self._seeded(variables))
        try:
            self.run(frame)
        except (Stopped, LeftLoop):
            pass
        except RunFailed as error:
            raise TemplateFailed(self.name, frame.line, str(error)) from None
        except RecursionError:
            raise TemplateFailed(self.name, frame.line, "nested too deeply") from None
        return "".join(frame.out)

    def _seeded(self, variables: Variables) -> dict[str, Any]:
        return {name: _ROOTS[name](variables) for name in self.roots}


_ROOTS: Final[Mapping[str, Callable[[Variables], Value]]] = {
    "input": lambda variables: variables.input(),
    "context": lambda variables: variables.context(),
    "stageVariables": lambda variables: dict(variables.stage_variables()),
    "util": lambda variables: UTIL,
}


def compile_template(text: str, name: str) -> Template:
    """``name`` is what a failure will call it. Raises ExpressionError, with the line in its message."""
    if len(text.encode("utf-8", "replace")) > MAX_TEMPLATE_BYTES:
        raise ExpressionError(f"a template must not be longer than {MAX_TEMPLATE_BYTES // 1024} KB", 0)
    block = parse(text)
    try:
        return Template(name, compile_block(block), frozenset(references(block)) & _ROOTS.keys())
    except RecursionError:
        raise ExpressionError("nested too deeply", 0) from None
