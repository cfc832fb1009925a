"""What is wrong with an integration's expressions, templates, patterns and responses, found before anything is served.

Whatever this leaves unsaid, compiling the integration must not refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from gateway.expressions.parameters import Place, parse_request_parameter, parse_response_parameter, path_parameters
from gateway.expressions.pattern import response_pattern
from gateway.expressions.selection import RESPONSE_TEMPLATE, TEMPLATE, parse
from gateway.expressions.vtl import compile_template
from gateway.model.errors import ExpressionError
from gateway.model.integration import (
    HttpTarget,
    Integration,
    IntegrationResponse,
    IntegrationType,
    PassthroughBehavior,
    ServiceTarget,
)


def problems_of(integration: Integration) -> list[str]:
    """What cannot be compiled: one line each, beginning with the property to change; empty when all is well."""
    return [*_request_problems(integration), *_response_problems(integration)]


def doubts_of(integration: Integration) -> list[str]:
    """What compiles, and what AWS deploys, but can only fail when it is called; in the same form."""
    has_templates = bool(integration.request_templates)
    if integration.is_proxy:
        return []
    if integration.integration_type is IntegrationType.MOCK and not has_templates:
        return ['RequestTemplates: a MOCK integration without a template that renders {"statusCode": 200} always fails']
    if integration.passthrough_behavior is PassthroughBehavior.NEVER and not has_templates:
        return ["PassthroughBehavior: NEVER without RequestTemplates refuses every request"]
    return []


def _request_problems(integration: Integration) -> Iterator[str]:
    for target, source in integration.request_parameters.items():
        yield from _refusal(f"RequestParameters {target}", partial(parse_request_parameter, target, source))
    if integration.is_proxy:
        return
    for key, text in integration.request_templates.items():
        yield from _refusal(f"RequestTemplates {key}", partial(compile_template, text, ""))
    expression = integration.template_selection_expression
    if expression:
        yield from _refusal("TemplateSelectionExpression", partial(parse, expression, TEMPLATE))


def _response_problems(integration: Integration) -> Iterator[str]:
    yield from _unmapped_path_parameters(integration)
    if integration.is_proxy:
        return
    for response in integration.responses.values():
        for problem in _problems_of_response(response):
            yield f"{response.logical_id}: {problem}"


def _problems_of_response(response: IntegrationResponse) -> Iterator[str]:
    yield from _refusal("IntegrationResponseKey", partial(response_pattern, response.key))
    for key, text in response.response_templates.items():
        yield from _refusal(f"ResponseTemplates {key}", partial(compile_template, text, ""))
    for target, source in response.response_parameters.items():
        yield from _refusal(f"ResponseParameters {target}", partial(parse_response_parameter, target, source))
    expression = response.template_selection_expression
    if expression:
        yield from _refusal("TemplateSelectionExpression", partial(parse, expression, RESPONSE_TEMPLATE))


def _unmapped_path_parameters(integration: Integration) -> Iterator[str]:
    match integration.target:
        case HttpTarget(url):
            names = path_parameters(url)
        case ServiceTarget(path=str(path)):
            names = path_parameters(path)
        case _:
            return
    mapped = {
        target.removeprefix(f"integration.request.{Place.PATH.value}.") for target in integration.request_parameters
    }
    for name in names:
        if name not in mapped:
            yield f"IntegrationUri: nothing is mapped to {{{name}}}; add integration.request.path.{name}"


def _refusal(subject: str, compile_it: Callable[[], object]) -> Iterator[str]:
    try:
        compile_it()
    except ExpressionError as error:
        yield f"{subject}: {error.message}"
