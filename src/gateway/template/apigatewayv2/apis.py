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
    _warn_of_clashes(template, apis)
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


def _warn_of_clashes(template: Template, apis: Sequence[Api]) -> None:
    """Of two stages with one name, the first API's is at the path alone; the other is found by its host name."""
    served: dict[str, Api] = {}
    for api in apis:
        for name in api.stages:
            other = served.setdefault(name, api)
            if other is not api:
                what = f"/{name} leads to {other.logical_id}, which has a stage of that name too, unless the host says "
                host = f"{api.api_id}.execute-api.{template.facts.region}.{template.facts.url_suffix}"
                hint = f"serve this API alone with --api {api.logical_id}"
                template.findings.warning(f"{what}{host}", ("Resources", api.logical_id), hint)
