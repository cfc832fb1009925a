"""AWS::ApiGatewayV2::Stage, and the stage that a Deployment makes by its StageName."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from gateway.model.api import Stage
from gateway.model.ids import StageName
from gateway.template.apigatewayv2.parts import DEPLOYMENT, STAGE, Parts
from gateway.template.properties import Properties
from gateway.template.template import Template

_PROPERTIES: Final = (
    "AccessLogSettings",
    "AccessPolicyId",
    "ApiId",
    "AutoDeploy",
    "ClientCertificateId",
    "DefaultRouteSettings",
    "DeploymentId",
    "Description",
    "RouteSettings",
    "StageName",
    "StageVariables",
    "Tags",
)
_DEPLOYMENT_PROPERTIES: Final = ("ApiId", "Description", "StageName")
_NOT_APPLIED: Final = ("AccessLogSettings", "ClientCertificateId", "DefaultRouteSettings", "RouteSettings")
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_VARIABLE: Final = re.compile(r"[A-Za-z0-9_]{1,64}")
_MAX_VARIABLES: Final = 100
_MAX_VARIABLE_CHARS: Final = 512


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


def _first(
    wanted: StageName, stages: Mapping[StageName, Stage], template: Template, parts: Parts
) -> dict[StageName, Stage]:
    properties = template.properties(parts.api)
    if wanted not in stages and len(stages) > 1:
        properties.problem(f"the API has no stage {wanted!r}", hint=f"its stages are {', '.join(sorted(stages))}")
    only = next(iter(stages.values()), None)
    added = Stage(parts.api.logical_id, wanted, only.stage_variables if only else {}, auto_deploy=True)
    return {wanted: stages.get(wanted, added), **stages}


def _declared(template: Template, parts: Parts) -> Iterator[tuple[Stage, Properties]]:
    for declared in parts.of(STAGE):
        properties = template.properties(declared)
        properties.check_names(_PROPERTIES)
        name = _name(properties)
        variables, auto_deploy = _variables(properties), properties.boolean("AutoDeploy")
        _warn_of_settings(properties)
        if name is not None:
            yield Stage(declared.logical_id, name, variables, auto_deploy or False), properties
    for declared in parts.of(DEPLOYMENT):
        properties = template.properties(declared)
        properties.check_names(_DEPLOYMENT_PROPERTIES)
        if properties.has("StageName") and (name := _name(properties)) is not None:
            yield Stage(declared.logical_id, name), properties


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
    if len(variables) > _MAX_VARIABLES:
        block.problem(f"a stage has at most {_MAX_VARIABLES} variables, not {len(variables)}")
    for name, value in variables.items():
        if not _VARIABLE.fullmatch(name):
            block.problem(f"{name!r} is no name for a stage variable", name, "letters, digits and _, up to 64")
        if value is not None and len(value) > _MAX_VARIABLE_CHARS:
            block.problem(f"stage variable {name} is longer than {_MAX_VARIABLE_CHARS} characters", name)
    return {name: value for name, value in variables.items() if value is not None}


def _warn_of_settings(properties: Properties) -> None:
    found = [name for name in _NOT_APPLIED if properties.value(name)]
    if found:
        properties.warning(f"not applied here: {', '.join(found)}", found[0])
