"""A model's schema in use: compiled once, then asked about documents whose authors may mean harm.

``survey`` has it judged by the library first, so that whatever could be wrong with a schema is known before.
``format`` says nothing about validity, as the draft allows (assumed of AWS).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from gateway.engine.json_schema.check import Budget, Exhausted, Wrong
from gateway.engine.json_schema.compiler import Compiler
from gateway.engine.json_schema.survey import survey
from gateway.model.json_text import Json
from gateway.model.limits import MAX_PATTERN_MS, MAX_VALIDATION_STEPS

_WHY_CHARS: Final = 300


class Schema:
    """A compiled schema. Raises ValueError for one with problems."""

    __slots__ = ("_budget", "_check")

    def __init__(self, document: Mapping[str, Any]) -> None:
        found = survey(document)
        if found.problems:
            raise ValueError("; ".join(found.problems))
        self._budget = Budget()
        self._check = Compiler(found, self._budget).compile(found.schema)

    def violation(self, document: Json) -> str | None:
        """Where and how a document does not fit, None when it does. Never raises; names keys, but shows no values."""
        self._budget.left = MAX_VALIDATION_STEPS
        try:
            wrong = self._check(document)
        except RecursionError:
            return "it is nested too deeply to be validated"
        except Exhausted:
            return f"it takes more than {MAX_VALIDATION_STEPS} steps to be validated"
        except TimeoutError:
            return f"a pattern of the model took longer than {MAX_PATTERN_MS} ms"
        return None if wrong is None else _told(wrong)


def schema_problems(document: object) -> list[str]:
    """Everything that keeps ``document``, a parsed JSON value, from being a model; each names its place."""
    return list(survey(document).problems)


def _told(wrong: Wrong) -> str:
    wanted = json.dumps(wrong.rule, ensure_ascii=False)
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in reversed(wrong.path))
    return f"${place} does not satisfy {wrong.keyword}: {wanted}"[:_WHY_CHARS]
