"""The command line: options in, settings out; errors as one clear line with a hint, exit status 2."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path

import click

from gateway import app, checking
from gateway.model.errors import DefinitionError, UserError
from gateway.settings import (
    DEFAULT_HOST,
    DEFAULT_PORT,
    DEFAULT_TLS_PORT,
    RunSettings,
    default_region,
    directories,
    find_template,
)
from gateway.version import VERSION

OVERRIDES = "--parameter-overrides"
PORT = click.IntRange(0, 65535)


class _Command(click.Command):
    """Lets ``--parameter-overrides`` take any number of K=V words, as `sam` does."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, list(_repeated(args)))


def _repeated(args: Iterable[str]) -> Iterable[str]:
    inside = False
    for arg in args:
        if arg == OVERRIDES:
            inside = True
        elif inside and "=" in arg and not arg.startswith("-"):
            yield OVERRIDES
            yield arg
        else:
            inside = False
            yield arg


def _overrides(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """``K=V``, several in one word as `sam` allows, or ``ParameterKey=K,ParameterValue=V``."""
    del ctx, param
    found: dict[str, str] = {}
    for word in values:
        for pair in _words(word):
            name, equals, value = pair.partition("=")
            if name == "ParameterKey" and ",ParameterValue=" in value:
                name, _, value = value.partition(",ParameterValue=")
            if not equals or not name:
                raise click.BadParameter(f"{pair!r} is not K=V", param_hint=OVERRIDES)
            found[name] = value.strip('"')
    return found


def _words(text: str) -> list[str]:
    """``A=1 B=2`` in one word is two; a value with blanks but no second ``=`` stays whole."""
    parts = text.split()
    return parts if len(parts) > 1 and all("=" in part for part in parts) else [text]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(VERSION, prog_name="wsfleet")
def cli() -> None:
    """A self-hosted gateway that speaks Amazon API Gateway's WebSocket contract."""


TEMPLATE = click.argument("template", required=False, type=click.Path(path_type=Path))
STAGE = click.option("--stage", metavar="NAME", help="Serve this stage (first); default: the template's own.")
API = click.option("--api", metavar="NAME", help="Serve only this API, by logical ID or name.")
REGION = click.option("--region", default=default_region, show_default="AWS_REGION or us-east-1", help="AWS region.")
PARAMETERS = click.option(
    OVERRIDES, "parameters", multiple=True, metavar="K=V …", callback=_overrides, help="Template parameters."
)


@cli.command(cls=_Command)
@TEMPLATE
@STAGE
@API
@PARAMETERS
@REGION
@click.option("--host", default=DEFAULT_HOST, show_default=True, help="Address to listen on.")
@click.option("--port", default=DEFAULT_PORT, show_default=True, type=PORT, help="Plain port; 0 takes a free one.")
@click.option("--tls-port", default=DEFAULT_TLS_PORT, show_default=True, type=PORT, help="TLS port; 0: a free one.")
@click.option("--endpoint-url", metavar="URL", help="Use this AWS endpoint instead of embedded moto.")
@click.option(
    "--env-vars", type=click.Path(path_type=Path), metavar="FILE", help="JSON with function environments, as for sam."
)
@click.option("--watch/--no-watch", default=True, show_default=True, help="Take up changed code and template.")
@click.option(
    "--ready-file", type=click.Path(path_type=Path), metavar="PATH", help="Write JSON with all URLs once serving."
)
def run(template: Path | None, parameters: dict[str, str], **options: object) -> None:
    """Serve the WebSocket APIs of TEMPLATE on this machine.

    TEMPLATE is a SAM or CloudFormation file; the default is template.yaml (.yml, .json) in this folder. Ctrl-C ends
    it, after every open connection got its $disconnect.
    """
    settings = RunSettings(
        template=_template(template),
        directories=directories(),
        parameters=parameters,
        **options,  # type: ignore[arg-type]  # click's names and types are the fields'
    )
    app.serve(settings, sys.stdout, sys.stderr)


@cli.command(cls=_Command)
@TEMPLATE
@STAGE
@API
@PARAMETERS
@REGION
@click.option("--json", "as_json", is_flag=True, help="Print the routes, or the problems, as JSON.")
def validate(template: Path | None, parameters: dict[str, str], as_json: bool, **options: str | None) -> None:
    """Check TEMPLATE: every problem with file, line and hint (exit status 2), or the route table."""
    try:
        found = checking.check(_template(template), parameters=parameters, **options)
    except DefinitionError as error:
        if not as_json:
            raise
        click.echo(json.dumps({"problems": checking.problem_documents(error.problems)}, indent=2))
        sys.exit(2)
    if as_json:
        click.echo(json.dumps(checking.summary_document(found), indent=2))
        return
    for warning in found.warnings:
        click.echo(f"warning: {warning}", err=True)
    click.echo("\n".join(checking.summary_lines(found)))


def _template(named: Path | None) -> Path:
    if named is not None:
        return named
    found = find_template(Path())
    if found is None:
        raise UserError(
            "no template.yaml here", "name a SAM or CloudFormation template: wsfleet run path/to/template.yaml"
        )
    return found


def main() -> None:
    """The ``wsfleet`` command: 0 on success, 2 for what the user can mend, 1 for anything else."""
    try:
        status = cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except click.Abort:
        sys.exit(130)
    except DefinitionError as error:
        for problem in error.problems:
            click.echo(f"error: {problem}", err=True)
        count = len(error.problems)
        click.echo(f"{count} problem{'s' if count > 1 else ''}; nothing was started", err=True)
        sys.exit(2)
    except UserError as error:
        click.echo(f"error: {error.message}" + (f"\n  hint: {error.hint}" if error.hint else ""), err=True)
        sys.exit(2)
    sys.exit(status or 0)
