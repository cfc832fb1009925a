"""The way from a template's text to a Definition: parse, expand, resolve, read.

Each step reports all it finds; a later one starts only when its input is whole, so that one mistake is told once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.model.definition import Definition
from gateway.model.errors import DefinitionError
from gateway.model.problem import Problem
from gateway.template.apigateway.usage_plan import check_api_keys, read_usage_plans
from gateway.template.apigatewayv2.apis import read_apis
from gateway.template.apigatewayv2.domain_name import read_domain_names
from gateway.template.declared import Declared, declared_resources
from gateway.template.dependencies import check_dependencies
from gateway.template.document import parse
from gateway.template.event_sources import read_event_sources
from gateway.template.facts import facts_of
from gateway.template.findings import Findings, in_order
from gateway.template.functions.catalogue import Catalogue
from gateway.template.identities import identify
from gateway.template.intrinsics import Resolver, Scope, check_conditions
from gateway.template.options import LoadOptions
from gateway.template.parameters import ParameterValue, parameter_values
from gateway.template.resources import read_resources
from gateway.template.sam import expand
from gateway.template.sections import SERVERLESS, check_sections, check_transforms, transforms
from gateway.template.template import Template
from gateway.template.unresolvable import Unresolvable


def load(text: str, *, path: str, options: LoadOptions) -> Definition:
    """Everything the template at ``path`` declares. Raises DefinitionError with all problems found."""
    try:
        return _load(text, path, options)
    except RecursionError as error:
        raise DefinitionError([Problem("the template refers to itself too deeply", path)]) from error


def _load(text: str, path: str, options: LoadOptions) -> Definition:
    document = parse(text, path)
    if isinstance(document, list):
        raise DefinitionError(document)
    findings = Findings(path, document.lines)
    check_sections(document.content, findings)
    _stop_if_broken(findings)
    check_transforms(document.content, findings)
    parameters = parameter_values(document.content.get("Parameters", {}), options.parameters, findings)
    content = _expanded(document.content, parameters, options, findings)
    template = _template(content, parameters, path, options, findings)
    catalogue = Catalogue(template)
    apis = read_apis(template, catalogue)
    domain_names = read_domain_names(template, apis)
    usage_plans = read_usage_plans(template, apis)
    check_api_keys(template, apis, usage_plans)
    functions = catalogue.settle()
    resources = read_resources(template)
    event_sources = read_event_sources(template, functions)
    _stop_if_broken(findings)
    return Definition(
        path=path,
        stack_name=options.stack_name,
        region=options.region,
        account_id=options.account_id,
        apis=apis,
        functions=functions,
        resources=resources,
        usage_plans=usage_plans,
        api_keys=tuple(dict.fromkeys(key for plan in usage_plans for key in plan.keys)),
        domain_names=domain_names,
        event_sources=event_sources,
        warnings=in_order(findings.warnings),
    )


def _expanded(
    content: dict[str, Any], parameters: dict[str, ParameterValue], options: LoadOptions, findings: Findings
) -> dict[str, Any]:
    if SERVERLESS in transforms(content):
        known = len(findings.problems)
        declared_resources(content["Resources"], findings)
        if len(findings.problems) > known:  # the translator would stop at these with less to say about them
            raise DefinitionError(in_order(findings.problems))
        expanded = expand(content, parameters, options.region, findings)
        if expanded is None:
            raise DefinitionError(in_order(findings.problems))
        return expanded
    for logical_id, body in content["Resources"].items():
        kind = body.get("Type") if isinstance(body, dict) else None
        if isinstance(kind, str) and kind.startswith("AWS::Serverless::"):
            findings.problem(
                f"{kind} needs the SAM transform", ("Resources", logical_id), f"add Transform: {SERVERLESS}"
            )
    _stop_if_broken(findings)
    return content


def _template(
    content: dict[str, Any], parameters: dict[str, ParameterValue], path: str, options: LoadOptions, findings: Findings
) -> Template:
    declared = declared_resources(content["Resources"], findings)
    facts = facts_of(options)
    valueless = frozenset(content.get("Parameters", {})) - parameters.keys()
    conditions = content.get("Conditions", {})
    scope = Scope(parameters, valueless, content.get("Mappings", {}), conditions, declared, facts)
    resolver = Resolver(scope, identify)
    check_conditions(resolver, conditions, findings)
    existing = {
        name: resource for name, resource in declared.items() if _exists(resource, conditions, resolver, findings)
    }
    check_dependencies(existing, resolver, findings)
    return Template(path, existing, resolver, facts, options, findings)


def _exists(declared: Declared, conditions: Mapping[str, Any], resolver: Resolver, findings: Findings) -> bool:
    try:
        return resolver.exists(declared)
    except Unresolvable as reason:
        if declared.condition not in conditions:  # otherwise the condition itself has been reported
            findings.problem(reason.message, (*declared.path, "Condition"), reason.hint)
        return False


def _stop_if_broken(findings: Findings) -> None:
    if findings.problems:
        raise DefinitionError(in_order(findings.problems))
