"""The function behind an IntegrationUri or AuthorizerUri, in every spelling AWS takes."""

from __future__ import annotations

import re
from typing import Final

from gateway.model.ids import FunctionName
from gateway.model.integration import LambdaTarget
from gateway.template.apigatewayv2.stage_variables import Reading
from gateway.template.functions.catalogue import Catalogue
from gateway.template.lambda_identities import split_function
from gateway.template.properties import Properties

_INVOCATIONS: Final = re.compile(r"arn:[^:]+:apigateway:[^:]*:lambda:path//?2015-03-31/functions/(.+)/invocations")
_FUNCTION: Final = re.compile(r"(arn:[^:]+:lambda:[^:]*:[^:]*:function:[^:/]+)(?::[^:/]+)?")
_HINT: Final = (
    "write !Sub arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Function.Arn}"
    "/invocations"
)


def is_function(uri: str) -> bool:
    """Whether ``uri`` leads to a function rather than to another action or path of a service."""
    return _INVOCATIONS.fullmatch(uri) is not None or _FUNCTION.fullmatch(uri) is not None


def read_function(reading: Reading, properties: Properties, name: str, catalogue: Catalogue) -> LambdaTarget | None:
    """The function that property ``name`` leads to; None after reporting why it leads to none."""
    arns = {uri: _function_arn(uri) for uri in (reading.text, *reading.variants)}
    for uri, arn in arns.items():
        if arn is None:
            properties.problem(f"Invalid function ARN or invalid uri: {uri}", name, _HINT)
            return None
    found = [catalogue.call(arns[uri] or "", properties, name) for uri in reading.variants]
    called = [target for target in found if target is not None]
    if len(called) < len(found):
        return None
    if len(called) == 1:
        return called[0]
    return _chosen_by_stage(arns[reading.text] or "", called, properties, name)


def is_elsewhere(target: LambdaTarget) -> bool:
    """Whether the function is not of this template: its name is then its ARN."""
    return target.function_name.startswith("arn:")


def _chosen_by_stage(arn: str, called: list[LambdaTarget], properties: Properties, name: str) -> LambdaTarget | None:
    elsewhere = {is_elsewhere(target) for target in called}
    if len(elsewhere) > 1:
        what = "a stage variable that leads to a function of this template in one stage and elsewhere in another"
        properties.unsupported(what, name, "move both functions to one side")
        return None
    function_name, qualifier = split_function(arn)
    if qualifier is None and any(target.qualifier for target in called):
        hint = "write it as ${stageVariables.function}:${stageVariables.alias}"
        properties.unsupported("a stage variable that holds a function's name and its qualifier in one", name, hint)
    match = _FUNCTION.fullmatch(arn)
    return LambdaTarget(FunctionName(match[1] if match and True in elsewhere else function_name), qualifier)


def _function_arn(uri: str) -> str | None:
    match = _INVOCATIONS.fullmatch(uri)
    arn = match[1] if match else uri
    return arn if _FUNCTION.fullmatch(arn) else None
