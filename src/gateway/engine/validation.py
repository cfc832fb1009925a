"""Validation of messages by models (parity 3.2, 4.2): which model, and what does it say.

It takes place where a route has a ModelSelectionExpression, and the API does not disable it. Assumed: a message that
is not JSON fits no model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.expressions.jsonpath import MISSING
from gateway.expressions.selection import MODEL, Selection, Variable, parse
from gateway.model.api import Route
from gateway.model.json_text import Json, NotJson, read, text_of

if TYPE_CHECKING:
    from gateway.engine.json_schema.schema import Schema

DEFAULT_MODEL: Final = "$default"


@dataclass(frozen=True, slots=True)
class Validation:
    """A route's model selection and its models, compiled."""

    selection: Selection
    models: Mapping[str, Schema]

    def violation(self, body: str) -> str | None:
        """Why a message is refused, None when it fits. Never raises; shows no values of the message."""
        try:
            document = read(body)
            key = self.selection.evaluate(lambda variable: _found(variable, document))
        except (NotJson, RecursionError):
            return "the message is not JSON"
        schema = self.models.get(key) or self.models.get(DEFAULT_MODEL)
        if schema is None:
            return f"no model is chosen by {self.selection.text}, and there is no {DEFAULT_MODEL}"
        return schema.violation(document)


def plan_validation(route: Route) -> Validation | None:
    """None for a route that validates nothing. Raises ExpressionError or ValueError for what cannot be loaded."""
    if route.model_selection_expression is None:
        return None
    from gateway.engine.json_schema.schema import Schema  # brings jsonschema: 8 MB for those who have models

    models = {key: Schema(model.schema) for key, model in route.request_models.items()}
    return Validation(parse(route.model_selection_expression, MODEL), models)


def _found(variable: Variable, document: Json) -> str:
    assert variable.path is not None, "a model is selected by the body alone"
    value = variable.path.find(document)
    return "" if value is MISSING else text_of(value)
