"""`wsfleet validate`: a template on disk to its summary, or every problem in it. Starts nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from gateway.control.disk import missing_code, read_definition, stack_name
from gateway.model.definition import Definition
from gateway.model.problem import Problem
from gateway.report.routes import route_documents, route_table
from gateway.template.options import LoadOptions


def check(
    template: Path,
    *,
    parameters: Mapping[str, str],
    region: str,
    stage: str | None,
    api: str | None,
    remote_functions: bool = False,
) -> Definition:
    """With a warning for code that has to be built first. ``remote_functions``: others may run elsewhere.

    Raises UserError when the file cannot be read, DefinitionError with every problem.
    """
    options = LoadOptions(
        stack_name(template),
        region,
        parameters=parameters,
        stage=stage,
        api=api,
        remote_functions=remote_functions,
    )
    definition = read_definition(template, options)
    return replace(definition, warnings=(*definition.warnings, *missing_code(definition)))


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
    """For a script; ``problems`` is there to be empty, as ``problems_document`` has nothing else."""
    return {
        "path": definition.path,
        "apis": route_documents(definition),
        "functions": sorted(definition.functions),
        "resources": [{"logical_id": each.logical_id, "type": each.type} for each in definition.resources],
        "warnings": _documents(definition.warnings),
        "problems": [],
    }


def problems_document(problems: Sequence[Problem]) -> dict[str, Any]:
    """For a script, when there is nothing else to tell."""
    return {"problems": _documents(problems)}


def _documents(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    return [asdict(problem) for problem in problems]
