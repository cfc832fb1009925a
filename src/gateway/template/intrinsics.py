"""Resolves intrinsic functions, lazily: only what somebody asks for, and only the branch of an If that is taken.

What cannot be known raises Unresolvable, so a value nobody reads (an IAM policy, an output) never stops a template.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from gateway.template.closest import did_you_mean
from gateway.template.declared import Declared
from gateway.template.facts import Facts
from gateway.template.findings import Findings
from gateway.template.identity import Identity
from gateway.template.pure_functions import PURE_FUNCTIONS, strings, text
from gateway.template.unresolvable import Unresolvable

NO_VALUE: Final = object()
_IMPORT_HINT: Final = "the value lives in another stack: make it a parameter, or set the variable with --env-vars"

Identify = Callable[[Declared, Callable[[Any], Any], Facts], Identity]
_VARIABLE: Final = re.compile(r"\$\{([^}]*)\}")


@dataclass(frozen=True, slots=True)
class Scope:
    """All that names in a template can stand for. ``valueless`` are declared parameters without a value."""

    parameters: Mapping[str, str | list[str]]
    valueless: frozenset[str]
    mappings: Mapping[str, Any]
    conditions: Mapping[str, Any]
    resources: Mapping[str, Declared]
    facts: Facts


class Resolver:
    """Resolves values within one Scope; ``identify`` gives a resource its physical ID and attributes."""

    def __init__(self, scope: Scope, identify: Identify) -> None:
        self._scope = scope
        self._identify = identify
        self._pseudo = scope.facts.pseudo_parameters()
        self._identities: dict[str, Identity] = {}
        self._conditions: dict[str, bool] = {}
        self._under_way: list[str] = []

    def resolve(self, value: Any) -> Any:
        """The value with every function in it replaced, NO_VALUE when it is to be left out. Raises Unresolvable."""
        if isinstance(value, dict):
            return self._mapping(value)
        if isinstance(value, list):
            return [item for item in map(self.resolve, value) if item is not NO_VALUE]
        return value

    def identity(self, logical_id: str) -> Identity:
        """Physical ID and attributes of a resource. Raises Unresolvable when it does not exist in this deployment."""
        if logical_id not in self._identities:
            declared = self._existing(logical_id)
            with self._visit(logical_id, "resources"):
                self._identities[logical_id] = self._identify(declared, self.resolve, self._scope.facts)
        return self._identities[logical_id]

    def exists(self, declared: Declared) -> bool:
        """Whether the resource's condition holds. Raises Unresolvable."""
        return declared.condition is None or self.condition(declared.condition)

    def condition(self, name: str) -> bool:
        """The value of a named condition. Raises Unresolvable."""
        if name not in self._scope.conditions:
            hint = did_you_mean(name, self._scope.conditions, "declare it under Conditions")
            raise Unresolvable(f"Template error: unresolved condition dependency {name}", hint)
        if name not in self._conditions:
            with self._visit(name, "conditions"):
                self._conditions[name] = self._evaluate(self._scope.conditions[name])
        return self._conditions[name]

    def ref(self, name: str) -> Any:
        """What ``Ref`` gives for a pseudo-parameter, parameter or resource."""
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in self._pseudo:
            return self._pseudo[name]
        if name in self._scope.parameters:
            return self._scope.parameters[name]
        if name in self._scope.valueless:
            raise Unresolvable(f"parameter {name} has no value", reported=True)
        return self.identity(name).ref

    def attribute(self, logical_id: str, name: str) -> str:
        """What ``Fn::GetAtt`` gives."""
        return self.identity(logical_id).attribute(name)

    def _existing(self, logical_id: str) -> Declared:
        declared = self._scope.resources.get(logical_id)
        if declared is None:
            known = {*self._scope.resources, *self._scope.parameters, *self._pseudo}
            message = f"Unresolved resource dependencies [{logical_id}] in the Resources block of the template"
            raise Unresolvable(message, did_you_mean(logical_id, known, "no parameter or resource has this name"))
        if not self.exists(declared):
            message = f"Unresolved resource dependencies [{logical_id}] in the Resources block of the template"
            raise Unresolvable(message, f"its condition {declared.condition} is false here; wrap the use in Fn::If")
        return declared

    @contextmanager
    def _visit(self, name: str, what: str) -> Iterator[None]:
        if name in self._under_way:
            circle = ", ".join(self._under_way[self._under_way.index(name) :])
            raise Unresolvable(f"Circular dependency between {what}: [{circle}]", "one of them must not need the other")
        self._under_way.append(name)
        try:
            yield
        finally:
            self._under_way.pop()

    def _mapping(self, value: dict[str, Any]) -> Any:
        if len(value) == 1:
            [(key, argument)] = value.items()
            if key in _FUNCTIONS:
                return _FUNCTIONS[key](self, argument)
            if key in PURE_FUNCTIONS:
                return PURE_FUNCTIONS[key](self._argument(argument), self._scope.facts.region)
        for key in value:
            if key.startswith("Fn::"):
                raise Unresolvable(f"{key} is not supported", "write out what it stands for")
        resolved = ((key, self.resolve(item)) for key, item in value.items())
        return {key: item for key, item in resolved if item is not NO_VALUE}

    def _argument(self, argument: Any) -> Any:
        resolved = self.resolve(argument)
        if resolved is NO_VALUE:
            raise Unresolvable("AWS::NoValue is no argument of a function")
        return resolved

    def _evaluate(self, expression: Any) -> bool:
        match expression:
            case bool():
                return expression
            case {"Condition": str(name), **rest} if not rest:
                return self.condition(name)
            case {"Fn::Equals": [left, right], **rest} if not rest:
                return bool(_comparable(self._argument(left)) == _comparable(self._argument(right)))
            case {"Fn::And": [_, _, *_] as terms, **rest} if not rest:
                return all([self._evaluate(term) for term in terms])
            case {"Fn::Or": [_, _, *_] as terms, **rest} if not rest:
                return any([self._evaluate(term) for term in terms])
            case {"Fn::Not": [term], **rest} if not rest:
                return not self._evaluate(term)
            case _:
                hint = "use Fn::Equals, Fn::And, Fn::Or, Fn::Not or Condition"
                raise Unresolvable("a condition must be made of boolean functions", hint)

    def import_value(self, argument: Any) -> Any:
        name = self._argument(argument)
        raise Unresolvable(f"Fn::ImportValue {name} cannot be resolved here", _IMPORT_HINT)

    def if_(self, argument: Any) -> Any:
        if not isinstance(argument, list) or len(argument) != 3 or not isinstance(argument[0], str):
            raise Unresolvable("Fn::If needs a condition's name and two values")
        return self.resolve(argument[1] if self.condition(argument[0]) else argument[2])

    def find_in_map(self, argument: Any) -> Any:
        if not isinstance(argument, list) or len(argument) not in (3, 4):
            raise Unresolvable("Fn::FindInMap needs a map's name and two keys")
        name, first, second = (text(self._argument(item), "Fn::FindInMap") for item in argument[:3])
        found: Any = self._scope.mappings
        for key in (name, first, second):
            found = found.get(key) if isinstance(found, dict) else None
        if found is None and len(argument) == 4 and isinstance(argument[3], dict) and "DefaultValue" in argument[3]:
            return self.resolve(argument[3]["DefaultValue"])
        if found is None:
            message = f"Template error: Unable to get mapping for {name}::{first}::{second}"
            raise Unresolvable(message, "add the key under Mappings, or give a DefaultValue")
        return found

    def get_att(self, argument: Any) -> str:
        parts = argument.split(".", 1) if isinstance(argument, str) else argument
        if not isinstance(parts, list) or len(parts) != 2 or not isinstance(parts[0], str):
            raise Unresolvable("Fn::GetAtt needs a logical ID and the name of an attribute")
        return self.attribute(parts[0], text(self._argument(parts[1]), "Fn::GetAtt"))

    def named(self, argument: Any) -> Any:
        if not isinstance(argument, str):
            raise Unresolvable("Ref needs the name of a parameter or resource")
        return self.ref(argument)

    def sub(self, argument: Any) -> str:
        template, own = argument if isinstance(argument, list) and len(argument) == 2 else (argument, {})
        if not isinstance(template, str) or not isinstance(own, dict):
            raise Unresolvable("Fn::Sub needs text, or a list of text and a mapping of variables")
        return _VARIABLE.sub(lambda match: self._variable(match[1].strip(), own), template)

    def _variable(self, name: str, own: Mapping[str, Any]) -> str:
        if name.startswith("!"):
            return f"${{{name[1:]}}}"
        if name in own:
            value = self._argument(own[name])
        elif "." in name:
            value = self.attribute(*name.split(".", 1))
        else:
            value = self.ref(name)
        if value is NO_VALUE:
            raise Unresolvable("AWS::NoValue has no text for Fn::Sub")
        return text(",".join(strings(value, "Fn::Sub")) if isinstance(value, list) else value, "Fn::Sub")


def _comparable(value: Any) -> Any:
    return value if isinstance(value, list | dict) else text(value, "Fn::Equals")


_FUNCTIONS: Final[dict[str, Callable[[Resolver, Any], Any]]] = {
    "Ref": Resolver.named,
    "Fn::FindInMap": Resolver.find_in_map,
    "Fn::GetAtt": Resolver.get_att,
    "Fn::If": Resolver.if_,
    "Fn::ImportValue": Resolver.import_value,
    "Fn::Sub": Resolver.sub,
}


def check_conditions(resolver: Resolver, conditions: Mapping[str, Any], findings: Findings) -> None:
    """Report every condition that cannot be evaluated."""
    for name in conditions:
        try:
            resolver.condition(name)
        except Unresolvable as reason:
            if not reason.reported:
                findings.problem(reason.message, ("Conditions", name), reason.hint)
