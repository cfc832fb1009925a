"""The WebSocket APIs to be served: all of the template's, or the one the command line chose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from gateway.model.api import Api
from gateway.template.apigatewayv2.api import HTTP, WEBSOCKET, protocol, read_api
from gateway.template.apigatewayv2.parts import API, Parts, parts_of_apis
from gateway.template.apigatewayv2.stage import is_stage_name
from gateway.template.closest import did_you_mean
from gateway.template.declared import Declared
from gateway.template.functions.catalogue import Catalogue
from gateway.template.identities import NESTED_STACKS
from gateway.template.template import Template

_ADD: Final = "declare an AWS::Serverless::WebSocketApi, or an AWS::ApiGatewayV2::Api with ProtocolType: WEBSOCKET"


def read_apis(template: Template, catalogue: Catalogue) -> tuple[Api, ...]:
    """The APIs that can be served; every reason why one cannot is among the findings."""
    wanted = template.options.stage
    if wanted is not None and not is_stage_name(wanted):
        template.findings.problem(f"{wanted!r} is no name for a stage", hint="letters, digits, _ and -, up to 128")
    parts = [found for found in parts_of_apis(template) if protocol(template, found.api) == WEBSOCKET]
    if not parts and not template.findings.problems:
        template.findings.problem("there is no WebSocket API in this template", hint=_why(template))
    read = (read_api(template, found, catalogue) for found in _chosen(template, parts))
    apis = tuple(api for api in read if api is not None)
    _check_clashes(template, apis)
    return apis


def http_apis(template: Template) -> Iterator[Declared]:
    """The APIs of protocol HTTP, which are not served."""
    unread = template.findings.draft()
    for declared in template.of_type(API):
        if template.properties(declared, unread).text("ProtocolType") in (None, HTTP):
            yield declared


def _why(template: Template) -> str:
    nested = [declared.logical_id for declared in template.of_type(*NESTED_STACKS)]
    if nested:
        return f"if it is in the nested stack {nested[0]}: run that stack's own template"
    return _ADD


def _chosen(template: Template, parts: list[Parts]) -> list[Parts]:
    wanted = template.options.api
    if wanted is None or not parts:
        return parts
    names = {found.api.logical_id: _name(template, found) for found in parts}
    chosen = [found for found in parts if wanted in (found.api.logical_id, names[found.api.logical_id])]
    if len(chosen) != 1:
        what = "several APIs are" if chosen else "no WebSocket API is"
        hint = did_you_mean(wanted, names, f"choose one of {', '.join(names)}")
        template.findings.problem(f"{what} called {wanted!r}", hint=hint)
    return chosen[:1]


def _name(template: Template, parts: Parts) -> str | None:
    return template.properties(parts.api, template.findings.draft()).text("Name")


def _check_clashes(template: Template, apis: Sequence[Api]) -> None:
    served: dict[str, Api] = {}
    for api in apis:
        for name in api.stages:
            other = served.setdefault(name, api)
            if other is not api:
                hint = f"choose one with --api {other.logical_id} or --api {api.logical_id}"
                what = (
                    f"{other.logical_id} and {api.logical_id} both have a stage {name!r}, and both would be at /{name}"
                )
                template.findings.problem(what, ("Resources", api.logical_id), hint)
