"""``${stageVariables.name}`` in the addresses of integrations and authorizers, replaced for one stage."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from gateway.model.ids import FunctionName
from gateway.model.integration import LambdaTarget

_VARIABLE: Final = re.compile(r"\$\{stageVariables\.([^}]*)\}")


def substitute(text: str, variables: Mapping[str, str]) -> str:
    """``text`` with its stage variables replaced, once; one that the stage does not set becomes nothing."""
    return _VARIABLE.sub(lambda match: variables.get(match[1], ""), text)


def lambda_target(target: LambdaTarget, variables: Mapping[str, str]) -> LambdaTarget:
    """The function that one stage means."""
    name = FunctionName(substitute(target.function_name, variables))
    qualifier = None if target.qualifier is None else substitute(target.qualifier, variables)
    return LambdaTarget(name, qualifier or None)
