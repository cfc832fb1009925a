"""What tests of the command line share: templates, and what click makes of words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gateway.cli.main import cli

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Parameters:
  A: {Type: String, Default: dev}
  B: {Type: String, Default: x}
Resources:
  Chat:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.action
      StageName: !Ref A
      Routes:
        $default: {FunctionArn: !GetAtt F.Arn}
  F:
    Type: AWS::Serverless::Function
    Properties: {Runtime: python3.13, Handler: a.b, InlineCode: "def b(event, context): pass"}
"""
BROKEN = "Resources: [\n"
NO_API = "Resources:\n  T:\n    Type: AWS::SQS::Queue\n"
PROBLEMS = TEMPLATE.replace("python3.13", "cobol85").replace("!Ref A", "!Ref Nothing")


def given(command: click.Command, *args: str | Path) -> dict[str, Any]:
    """What click makes of these words after ``wsfleet COMMAND``."""
    with cli.make_context("wsfleet", []) as parent:
        return command.make_context(command.name, [str(arg) for arg in args], parent=parent).params
