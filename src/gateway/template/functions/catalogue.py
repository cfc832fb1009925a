"""All functions of a template by name. A problem of a function that no API calls is only a warning."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gateway.model.api import LambdaTarget
from gateway.model.function import Function
from gateway.model.ids import FunctionName
from gateway.template.closest import did_you_mean
from gateway.template.declared import Declared
from gateway.template.findings import Findings
from gateway.template.functions.function import read_function
from gateway.template.functions.layers import Layers
from gateway.template.lambda_identities import split_function
from gateway.template.options import ALL_FUNCTIONS
from gateway.template.properties import Properties
from gateway.template.template import Template

LATEST: Final = "$LATEST"
_DECLARE: Final = "declare it here as AWS::Serverless::Function or AWS::Lambda::Function"
_ELSEWHERE: Final = "(--lambda-endpoint-url calls functions that run elsewhere)"


@dataclass(frozen=True, slots=True)
class _Entry:
    declared: Declared
    function: Function | None
    findings: Findings


class Catalogue:
    """Reads every function once; ``settle`` decides afterwards which problems matter."""

    def __init__(self, template: Template) -> None:
        self._template = template
        self._layers = Layers(template)
        self._versions = self._qualifiers("AWS::Lambda::Version")
        self._aliases = self._qualifiers("AWS::Lambda::Alias")
        self._entries: dict[str, _Entry] = {}
        self._called: set[str] = set()
        for declared in template.of_type("AWS::Lambda::Function"):
            self._read(declared)

    def call(self, arn: str, properties: Properties, name: str) -> LambdaTarget | None:
        """Note that an API calls the function of this ARN; None after reporting, at that property, that it cannot."""
        function_name, qualifier = split_function(arn)
        if function_name in self._entries:
            self._called.add(function_name)
            known = self._has_qualifier(function_name, qualifier, properties, name)
            return LambdaTarget(FunctionName(function_name), qualifier) if known else None
        if self._template.options.remote_functions:
            unqualified = arn if qualifier is None else arn.removesuffix(f":{qualifier}")
            return LambdaTarget(FunctionName(unqualified), qualifier)
        hint = f"{did_you_mean(function_name, self._entries, _DECLARE)} {_ELSEWHERE}"
        properties.problem(f"function {function_name!r} is not in this template", name, hint)
        return None

    def _has_qualifier(self, function_name: str, qualifier: str | None, properties: Properties, name: str) -> bool:
        known = [*self._versions.get(function_name, ()), *self._aliases.get(function_name, ())]
        if qualifier is None or qualifier == LATEST or qualifier in known:
            return True
        hint = did_you_mean(qualifier, known, f"it has {', '.join(known) or 'none'}")
        properties.problem(f"function {function_name!r} has no version or alias {qualifier!r}", name, hint)
        return False

    def settle(self) -> dict[FunctionName, Function]:
        """The functions that can be run, after handing over every finding."""
        findings = self._template.findings
        for name, entry in self._entries.items():
            left_out = None if name in self._called else "the function is left out, as no route calls it"
            findings.take(entry.findings, instead_of_stopping=left_out)
        if self._layers.foreign:
            arns = ", ".join(self._layers.foreign)
            findings.warning(f"layers that are not in this template are left out: {arns}")
        self._check_overrides()
        return dict(self._runnable())

    def _runnable(self) -> Iterator[tuple[FunctionName, Function]]:
        for entry in self._entries.values():
            if entry.function is not None and not entry.findings.problems:
                yield entry.function.function_name, entry.function

    def _read(self, declared: Declared) -> None:
        name = self._template.reference(declared)
        if name is None:
            return
        if name in self._entries:
            other = self._entries[name].declared.logical_id
            hint = f"{other} has it too: give one of them another FunctionName"
            self._template.findings.problem(f"function {name!r} already exists", declared.path, hint)
            return
        findings = self._template.findings.draft()
        qualifiers = self._versions.get(name, ()), self._aliases.get(name, ())
        function = read_function(self._template, declared, name, self._layers, qualifiers, findings)
        self._entries[name] = _Entry(declared, function, findings)

    def _qualifiers(self, kind: str) -> dict[str, tuple[str, ...]]:
        """Function names to the versions or aliases that the template publishes of them."""
        found: dict[str, tuple[str, ...]] = {}
        for declared in self._template.of_type(kind):
            arn = self._template.reference(declared, self._template.findings.draft())
            name, qualifier = split_function(arn) if arn is not None else ("", None)
            if qualifier is not None:
                found[name] = tuple(dict.fromkeys((*found.get(name, ()), qualifier)))
        return found

    def _check_overrides(self) -> None:
        known = {ALL_FUNCTIONS, *self._entries, *(entry.declared.logical_id for entry in self._entries.values())}
        for name in sorted(self._template.options.environment.keys() - known):
            hint = did_you_mean(name, known, "use a function's logical ID, or Parameters for all functions")
            self._template.findings.warning(f"--env-vars speaks of {name!r}, which is no function", hint=hint)
