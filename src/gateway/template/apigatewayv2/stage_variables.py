"""``${stageVariables.name}`` in the address of an integration or authorizer: what each stage makes of it.

Where all stages agree the address is settled when the template is loaded; otherwise the variable stays in it for each
stage to replace.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from gateway.model.api import Stage
from gateway.template.properties import Properties

_VARIABLE: Final = re.compile(r"\$\{stageVariables\.([^}]*)\}")


@dataclass(frozen=True, slots=True)
class Reading:
    """``text`` may still hold variables; ``variants`` is it as the stages read it, each text once, never empty."""

    text: str
    variants: tuple[str, ...]


def read_for_stages(text: str, stages: Iterable[Stage], properties: Properties, name: str) -> Reading | None:
    """``text``, the value of property ``name``; None after reporting a stage that lacks a variable of it."""
    used = tuple(dict.fromkeys(_VARIABLE.findall(text)))
    if not used:
        return Reading(text, (text,))
    variants: dict[str, None] = {}
    for stage in stages:
        missing = [variable for variable in used if variable not in stage.stage_variables]
        for variable in missing:
            hint = f"set it in the StageVariables of {stage.logical_id}"
            properties.problem(f"stage {stage.stage_name} has no variable {variable!r} for {name}", name, hint)
        if not missing:
            variants[_replaced(text, stage.stage_variables)] = None
    if not variants:
        return None
    found = tuple(variants)
    return Reading(found[0] if len(found) == 1 else text, found)


def _replaced(text: str, variables: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda match: variables[match[1]], text)
