"""Resources that need each other: CloudFormation refuses to create them, so a template with a circle is refused here.

A resource needs what its properties refer to (in the branch of an Fn::If that is taken) and what it DependsOn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final

from gateway.template.declared import Declared
from gateway.template.findings import Findings
from gateway.template.intrinsics import Resolver
from gateway.template.unresolvable import Unresolvable

_VARIABLE: Final = re.compile(r"\$\{([^!}][^}]*)\}")


def check_dependencies(resources: Mapping[str, Declared], resolver: Resolver, findings: Findings) -> None:
    """Report one circle among the resources that exist, if there is any."""
    graph = {
        name: {needed for needed in _needs(declared, resolver) if needed in resources} - {name}
        for name, declared in resources.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle = list(dict.fromkeys(reversed(error.args[1])))
        hint = "break the circle: give one of them a fixed name, or drop a DependsOn"
        at = ("Resources", circle[0])
        findings.problem(f"Circular dependency between resources: [{', '.join(circle)}]", at, hint)


def _needs(declared: Declared, resolver: Resolver) -> Iterator[str]:
    yield from declared.depends_on
    for value in declared.properties.values():
        yield from _references(value, resolver)


def _references(value: Any, resolver: Resolver) -> Iterator[str]:
    match value:
        case {"Ref": str(name), **rest} if not rest:
            yield name
        case {"Fn::GetAtt": [str(name), *_], **rest} if not rest:
            yield name
        case {"Fn::GetAtt": str(name), **rest} if not rest:
            yield name.partition(".")[0]
        case {"Fn::If": [str(condition), first, second], **rest} if not rest:
            for branch in _taken(condition, first, second, resolver):
                yield from _references(branch, resolver)
        case {"Fn::Sub": argument, **rest} if not rest:
            yield from _substituted(argument, resolver)
        case dict() | list():
            for item in value.values() if isinstance(value, dict) else value:
                yield from _references(item, resolver)


def _taken(condition: str, first: Any, second: Any, resolver: Resolver) -> tuple[Any, ...]:
    try:
        return (first,) if resolver.condition(condition) else (second,)
    except Unresolvable:
        return ()


def _substituted(argument: Any, resolver: Resolver) -> Iterator[str]:
    template, own = argument if isinstance(argument, list) and len(argument) == 2 else (argument, {})
    yield from _references(own, resolver)
    if isinstance(template, str) and isinstance(own, dict):
        names = (name.strip() for name in _VARIABLE.findall(template))
        yield from (name.partition(".")[0] for name in names if name not in own)
