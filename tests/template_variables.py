"""What mapping templates are rendered about, given plainly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.expressions.velocity.values import BuiltIn
from gateway.expressions.vtl import compile_template
from gateway.expressions.vtl_input import input_object


class PlainVariables:
    def __init__(self, body: str = "", **others: Mapping[str, Any]) -> None:
        self._body = body
        self._others = others

    def input(self) -> BuiltIn:
        return input_object(self._body, lambda: self._others.get("params", {}))

    def context(self) -> dict[str, Any]:
        return dict(self._others.get("context", {}))

    def stage_variables(self) -> Mapping[str, str]:
        return self._others.get("stage_variables", {})


def rendered(text: str, body: str = "", **others: Mapping[str, Any]) -> str:
    return compile_template(text, "template").render(PlainVariables(body, **others))
