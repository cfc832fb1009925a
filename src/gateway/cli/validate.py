"""``wsfleet validate``: what is wrong with a template, or what is in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from gateway import checking
from gateway.cli.options import API, LAMBDA, REGION, STAGE, TEMPLATE, template_or_found
from gateway.cli.parameters import PARAMETERS, OverridesCommand
from gateway.cli.telling import USER_ERROR, problems_of, tell_problems
from gateway.model.errors import UserError
from gateway.report.printable import indented


@click.command(cls=OverridesCommand, short_help="Check TEMPLATE: its problems, or its routes.")
@TEMPLATE
@STAGE
@API
@PARAMETERS
@REGION
@LAMBDA
@click.option("--json", "as_json", is_flag=True, help="Print the routes, or the problems, as JSON.")
def validate(
    template: Path | None, parameters: dict[str, str], lambda_endpoint_url: str | None, as_json: bool, **options: Any
) -> None:
    """Check TEMPLATE: every problem with file, line and hint (exit status 2), or the route table."""
    elsewhere = lambda_endpoint_url is not None
    try:
        found = checking.check(
            template_or_found(template), parameters=parameters, remote_functions=elsewhere, **options
        )
    except UserError as error:
        if as_json:
            click.echo(json.dumps(checking.problems_document(problems_of(error)), indent=2))
        else:
            tell_problems(error)
        raise click.exceptions.Exit(USER_ERROR) from error
    if as_json:
        click.echo(json.dumps(checking.summary_document(found), indent=2))
        return
    for warning in found.warnings:
        click.echo(indented(f"warning: {warning}"), err=True)
    click.echo("\n".join(checking.summary_lines(found)))
