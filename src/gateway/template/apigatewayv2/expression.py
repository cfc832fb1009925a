"""Selection expressions of APIs and routes: read, and checked where they are written."""

from __future__ import annotations

from gateway.expressions import selection
from gateway.expressions.selection import Scope
from gateway.model.errors import ExpressionError
from gateway.template.properties import Properties

EXAMPLE = "for example $request.body.action"


def check_expression(expression: str, properties: Properties, name: str, scope: Scope) -> None:
    """Report what keeps the value of property ``name`` from being a selection expression."""
    try:
        selection.parse(expression, scope)
    except ExpressionError as error:
        where = f"at character {error.position + 1} of {expression!r}" if error.position else f"in {expression!r}"
        properties.problem(f"{error.message} {where}", name, EXAMPLE)
