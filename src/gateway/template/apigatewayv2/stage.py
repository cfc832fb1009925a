"""AWS::ApiGatewayV2::Stage, and the stage that a Deployment makes by its StageName."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from gateway.model.api import Route, Stage
from gateway.model.ids import RouteKey, StageName
from gateway.model.integration import HttpTarget
from gateway.model.limits import MAX_STAGE_VARIABLE_CHARS, MAX_STAGE_VARIABLE_NAME_CHARS, MAX_STAGE_VARIABLES
from gateway.template.apigatewayv2.parts import DEPLOYMENT, STAGE, Parts
from gateway.template.apigatewayv2.stage_settings import (
    check_keys,
    read_access_log,
    read_default_settings,
    read_route_settings,
)
from gateway.template.properties import Properties
from gateway.template.template import Template

_CERTIFICATE: Final = "ClientCertificateId"
_PROPERTIES: Final = (
    "AccessLogSettings",
    "AccessPolicyId",
    "ApiId",
    "AutoDeploy",
    _CERTIFICATE,
    "DefaultRouteSettings",
    "DeploymentId",
    "Description",
    "RouteSettings",
    "StageName",
    "StageVariables",
    "Tags",
)
_DEPLOYMENT_PROPERTIES: Final = ("ApiId", "Description", "StageName")
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_VARIABLE: Final = re.compile(rf"[A-Za-z0-9_]{{1,{MAX_STAGE_VARIABLE_NAME_CHARS}}}")


def is_stage_name(text: str) -> bool:
    """Whether AWS takes ``text`` as the name of a stage (parity 1.1)."""
    return _NAME.fullmatch(text) is not None


def read_stages(template: Template, parts: Parts) -> dict[StageName, Stage]:
    """The stages of one API as it is served: those declared, and the one the command line asks for, first."""
    stages: dict[StageName, Stage] = {}
    for stage, properties in _declared(template, parts):
        if stage.stage_name in stages:
            first = stages[stage.stage_name].logical_id
            properties.problem("Stage already exists", "StageName", f"{first} is called {stage.stage_name} too")
        stages.setdefault(stage.stage_name, stage)
    wanted = template.options.stage
    if wanted is not None:
        return _first(StageName(wanted), stages, template, parts)
    if not stages:
        hint = "add an AWS::ApiGatewayV2::Stage, or serve one with --stage NAME"
        template.properties(parts.api).problem("the API has no stage", hint=hint)
    return stages


def check_stages(template: Template, parts: Parts, routes: Mapping[RouteKey, Route]) -> None:
    """Report settings of routes that the API does not have, and what its integrations make impossible."""
    integrations = [route.integration for route in routes.values() if route.integration is not None]
    for declared in parts.of(STAGE):
        properties = template.properties(declared)
        check_keys(properties, routes)
        if properties.value(_CERTIFICATE) and any(isinstance(each.target, HttpTarget) for each in integrations):
            hint = "API Gateway keeps its key, so nobody else can present it to a web server: leave it out"
            properties.unsupported(_CERTIFICATE, _CERTIFICATE, hint)


def _first(
    wanted: StageName, stages: Mapping[StageName, Stage], template: Template, parts: Parts
) -> dict[StageName, Stage]:
    properties = template.properties(parts.api)
    if wanted not in stages and len(stages) > 1:
        properties.problem(f"the API has no stage {wanted!r}", hint=f"its stages are {', '.join(sorted(stages))}")
    only = next(iter(stages.values()), Stage(parts.api.logical_id, wanted))
    added = replace(only, logical_id=parts.api.logical_id, stage_name=wanted, auto_deploy=True)
    return {wanted: stages.get(wanted, added), **stages}


def _declared(template: Template, parts: Parts) -> Iterator[tuple[Stage, Properties]]:
    for declared in parts.of(STAGE):
        properties = template.properties(declared)
        properties.check_names(_PROPERTIES)
        stage = _stage(properties)
        if stage is not None:
            yield stage, properties
    for declared in parts.of(DEPLOYMENT):
        properties = template.properties(declared)
        properties.check_names(_DEPLOYMENT_PROPERTIES)
        if properties.has("StageName") and (name := _name(properties)) is not None:
            yield Stage(declared.logical_id, name), properties


def _stage(properties: Properties) -> Stage | None:
    stage = Stage(
        logical_id=properties.declared.logical_id,
        stage_name=_name(properties) or StageName(""),
        stage_variables=_variables(properties),
        auto_deploy=properties.boolean("AutoDeploy") or False,
        default_route_settings=read_default_settings(properties),
        route_settings=read_route_settings(properties),
        access_log_settings=read_access_log(properties),
    )
    return stage if stage.stage_name else None


def _name(properties: Properties) -> StageName | None:
    name = properties.required("StageName", "for example StageName: prod")
    if name == "$default":
        hint = "a WebSocket API's stage is always part of its URL: choose another name"
        properties.problem("Stages cannot be named $default for WebSocket APIs.", "StageName", hint)
    elif name is not None and not is_stage_name(name):
        properties.problem(f"{name!r} is no name for a stage", "StageName", "letters, digits, _ and -, up to 128")
    return StageName(name) if name is not None else None


def _variables(properties: Properties) -> dict[str, str]:
    block = properties.nested("StageVariables")
    if block is None:
        return {}
    variables = {name: block.text(name) for name in block}
    if len(variables) > MAX_STAGE_VARIABLES:
        block.problem(f"a stage has at most {MAX_STAGE_VARIABLES} variables, not {len(variables)}")
    for name, value in variables.items():
        if not _VARIABLE.fullmatch(name):
            block.problem(f"{name!r} is no name for a stage variable", name, "letters, digits and _, up to 64")
        if value is not None and len(value) > MAX_STAGE_VARIABLE_CHARS:
            block.problem(f"stage variable {name} is longer than {MAX_STAGE_VARIABLE_CHARS} characters", name)
    return {name: value for name, value in variables.items() if value is not None}
