"""A template with its transform done: the resources that exist in this deployment and the means to read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gateway.template.declared import Declared
from gateway.template.facts import Facts
from gateway.template.findings import Findings
from gateway.template.intrinsics import Resolver
from gateway.template.options import LoadOptions
from gateway.template.properties import Properties
from gateway.template.unresolvable import Unresolvable


@dataclass(frozen=True, slots=True)
class Template:
    """``resources`` leaves out those whose condition is false; ``path`` is the template's, as the user gave it."""

    path: str
    resources: Mapping[str, Declared]
    resolver: Resolver
    facts: Facts
    options: LoadOptions
    findings: Findings

    def of_type(self, *types: str) -> Iterator[Declared]:
        """The resources of these types, as the template orders them."""
        return (declared for declared in self.resources.values() if declared.type in types)

    def properties(self, declared: Declared, findings: Findings | None = None) -> Properties:
        """A reader of the resource's properties that reports to ``findings``, by default to the template's."""
        return Properties(declared, self.resolver.resolve, findings or self.findings)

    def reference(self, declared: Declared, findings: Findings | None = None) -> str | None:
        """What ``Ref`` gives for the resource; None, and a problem, when that cannot be known."""
        try:
            return self.resolver.identity(declared.logical_id).ref
        except Unresolvable as reason:
            if not reason.reported:
                (findings or self.findings).problem(reason.message, declared.path, reason.hint)
            return None
