"""The function behind an IntegrationUri or AuthorizerUri, in every spelling AWS takes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from gateway.model.api import LambdaTarget
from gateway.model.ids import FunctionName
from gateway.template.lambda_identities import split_function
from gateway.template.properties import Properties

_INVOCATIONS: Final = re.compile(r"arn:[^:]+:apigateway:[^:]*:lambda:path//?2015-03-31/functions/(.+)/invocations")
_FUNCTION: Final = re.compile(r"arn:[^:]+:lambda:[^:]*:[^:]*:function:[^:/]+(?::[^:/]+)?")
_STAGE_VARIABLE: Final = re.compile(r"\$\{stageVariables\.([^}]*)\}")
_HINT: Final = (
    "write !Sub arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Function.Arn}"
    "/invocations"
)


def read_target(
    uri: str, properties: Properties, name: str, stage_variables: Iterable[Mapping[str, str]]
) -> LambdaTarget | None:
    """The function that ``uri``, read from property ``name``, leads to; None after reporting why there is none.

    A stage variable in it is replaced when all stages agree on its value.
    """
    known = tuple(stage_variables)
    for variable in dict.fromkeys(_STAGE_VARIABLE.findall(uri)):
        values = {variables.get(variable) for variables in known}
        value = values.pop() if len(values) == 1 else None
        if value is None:
            hint = "every stage must set it to the same value, or the URI must name the function"
            properties.unsupported(f"${{stageVariables.{variable}}} in {name}", name, hint)
            return None
        uri = uri.replace(f"${{stageVariables.{variable}}}", value)
    match = _INVOCATIONS.fullmatch(uri)
    arn = match[1] if match else uri
    if not _FUNCTION.fullmatch(arn):
        properties.problem(f"Invalid function ARN or invalid uri: {uri}", name, _HINT)
        return None
    function_name, qualifier = split_function(arn)
    return LambdaTarget(FunctionName(function_name), qualifier)
