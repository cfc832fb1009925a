"""`wsfleet validate`: a template on disk to its summary, or every problem in it. Starts nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gateway.control.disk import read_definition, stack_name
from gateway.model.definition import Definition
from gateway.model.problem import Problem
from gateway.report.routes import route_documents, route_table
from gateway.template.options import LoadOptions


def check(
    template: Path, *, parameters: Mapping[str, str], region: str, stage: str | None, api: str | None
) -> Definition:
    """Raises UserError when the file cannot be read, DefinitionError with every problem."""
    options = LoadOptions(stack_name(template), region, parameters=parameters, stage=stage, api=api)
    return read_definition(template, options)


def summary_lines(definition: Definition) -> list[str]:
    """For a person: counts, then the route table."""
    counts = (
        (len(definition.apis), "API"),
        (len(definition.functions), "function"),
        (len(definition.resources), "resource"),
    )
    counted = ", ".join(f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in counts)
    return [f"{definition.path}: {counted}", "", *route_table(definition)]


def summary_document(definition: Definition) -> dict[str, Any]:
    """For a script."""
    return {
        "path": definition.path,
        "apis": route_documents(definition),
        "functions": sorted(definition.functions),
        "resources": [{"logical_id": each.logical_id, "type": each.type} for each in definition.resources],
        "warnings": problem_documents(definition.warnings),
    }


def problem_documents(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """Problems or warnings, JSON-ready."""
    return [asdict(problem) for problem in problems]
