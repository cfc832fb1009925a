"""AWS::StepFunctions::StateMachine. An existing one takes over the definition and the role."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from gateway.emulation.made import NEW, THERE, Made, exists, name_of, tags_of
from gateway.emulation.session import Clients
from gateway.model.definition import Resource

_SUBSTITUTED: Final = re.compile(r"\$\{([A-Za-z0-9_]+)\}")
_STANDARD: Final = "STANDARD"


def make_state_machine(clients: Clients, resource: Resource) -> Made:
    """The machine with its definition, whose placeholders are replaced as CloudFormation does."""
    sfn, arn = clients("stepfunctions"), resource.physical_id
    definition, role = _definition(resource.properties), _role(resource)
    kind = str(resource.properties.get("StateMachineType") or _STANDARD)
    if exists(lambda: sfn.describe_state_machine(stateMachineArn=arn), "StateMachineDoesNotExist"):
        there = sfn.describe_state_machine(stateMachineArn=arn)
        if (there["definition"], there["roleArn"]) != (definition, role):
            sfn.update_state_machine(stateMachineArn=arn, definition=definition, roleArn=role)
        if there["type"] == kind:
            return THERE
        return Made(created=False, notes=(f"the state machine {there['name']} exists as {there['type']} and stays so",))
    name = name_of(resource, "StateMachineName", ":")
    tags = [{"key": tag["Key"], "value": tag["Value"]} for tag in tags_of(resource)]
    sfn.create_state_machine(name=name, definition=definition, roleArn=role, type=kind, tags=tags)
    return NEW


def _definition(properties: Mapping[str, Any]) -> str:
    given = properties.get("DefinitionString", properties.get("Definition"))
    if not given:
        raise ValueError("it has neither DefinitionString nor Definition")
    text = given if isinstance(given, str) else json.dumps(given)
    values = properties.get("DefinitionSubstitutions") or {}
    return _SUBSTITUTED.sub(lambda found: _text(values[found[1]]) if found[1] in values else found[0], text)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _role(resource: Resource) -> str:
    """Nobody checks it here, but CreateStateMachine wants one."""
    _, partition, _, _, account, *_ = f"{resource.physical_id}::::::".split(":")
    return str(resource.properties.get("RoleArn") or f"arn:{partition}:iam::{account}:role/states")
