"""Which of several mapping templates a request or response gets (parity 3.2): the selected key's, else ``$default``'s.

Assumed: ``application/json``, the key that REST APIs use and many definitions hold, counts where no expression is given
or it chooses ``$default``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gateway.expressions.jsonpath import MISSING
from gateway.expressions.selection import Resolver, Scope, Selection, Variable, parse
from gateway.expressions.vtl import Template, compile_template
from gateway.model.ids import DEFAULT
from gateway.model.json_text import Json, NotJson, read, text_of

JSON_KEY: Final = "application/json"


@dataclass(frozen=True, slots=True)
class TemplateChoice:
    """``selection`` is None where no expression was given."""

    templates: Mapping[str, Template]
    selection: Selection | None = None

    def choose(self, resolve: Resolver) -> Template | None:
        """``resolve`` gives a variable's text; it is called only when a choice depends on it."""
        key = DEFAULT if self.selection is None or not self.templates else self.selection.evaluate(resolve)
        template = self.templates.get(key) or self.templates.get(DEFAULT)
        return self.templates.get(JSON_KEY) if template is None and key == DEFAULT else template


def compile_choice(templates: Mapping[str, str], expression: str | None, scope: Scope, owner: str) -> TemplateChoice:
    """``owner`` names the templates in failures. Raises ExpressionError."""
    compiled = {key: compile_template(text, f"{owner} {key}") for key, text in templates.items()}
    return TemplateChoice(compiled, parse(expression, scope) if expression else None)


def body_resolver(body: str) -> Resolver:
    """For body variables: their text in ``body``, nothing where there is none. The body is read at most once."""
    document: list[Json] = []

    def resolve(variable: Variable) -> str:
        try:
            if not document:
                document.append(read(body))
            found = MISSING if variable.path is None else variable.path.find(document[0])
            return "" if found is MISSING else text_of(found)
        except (NotJson, RecursionError):
            return ""

    return resolve
