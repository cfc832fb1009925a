"""The command line: options in, settings out; errors as one clear line with a hint.

Exit status: 0 when all went well, 2 for what the user can mend, 130 after Ctrl-C before anything was served, 1 for
everything else.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import click

from gateway import app, checking
from gateway.model.errors import DefinitionError, GatewayError, UserError
from gateway.model.problem import Problem
from gateway.model.surprise import one_line
from gateway.report.printable import indented
from gateway.report.printer import Printer
from gateway.settings import (
    APPLICATION,
    AWS_ITSELF,
    DEBUG,
    DEFAULT_HOST,
    DEFAULT_PORT,
    DEFAULT_TLS_PORT,
    RunSettings,
    check_environment,
    default_region,
    directories,
    find_template,
    is_debugging,
)
from gateway.settings.kinds import region_of, url_of
from gateway.settings.pairs import pairs_of
from gateway.version import VERSION

USER_ERROR: Final = 2
FAILURE: Final = 1
INTERRUPTED: Final = 130  # 128 and SIGINT, as shells count
OVERRIDES: Final = "--parameter-overrides"
PORT: Final = click.IntRange(0, 65535)
FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


class _Command(click.Command):
    """Lets ``--parameter-overrides`` take any number of K=V words, as `sam` does."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, list(_repeated(args)))


def _repeated(args: Iterable[str]) -> Iterator[str]:
    """The option once before each of its words; its first word is its own in any case."""
    words = 0  # that the option has been given; None: not inside it
    inside = False
    for arg in args:
        if arg == OVERRIDES:
            inside, words = True, 0
            yield arg
        elif inside and not arg.startswith("-") and (words == 0 or "=" in arg):
            yield from [OVERRIDES] if words else []
            yield arg
            words += 1
        else:
            inside, words = arg.startswith(f"{OVERRIDES}="), 1
            yield arg


def _overrides(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """``K=V``, several in one word as `sam` allows, or ``ParameterKey=K,ParameterValue=V``; the last one wins."""
    del ctx, param
    try:
        return dict(pair for word in values for pair in pairs_of(word))
    except ValueError as error:
        raise click.BadParameter(f"{error}.", param_hint=OVERRIDES) from error


def _region(ctx: click.Context, param: click.Parameter, value: str) -> str:
    del ctx, param
    try:
        return region_of(value)
    except ValueError as error:
        raise click.BadParameter(f"{error}.", param_hint="--region, AWS_REGION") from error


def _host(ctx: click.Context, param: click.Parameter, value: str) -> str:
    del ctx, param
    if not value.strip():
        raise click.BadParameter("an address is needed; 0.0.0.0 is all of them.", param_hint="--host")
    return value


def _url(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    del ctx
    if value is None:
        return None
    try:
        return url_of(value)
    except ValueError as error:
        raise click.BadParameter(f"{error}.", param_hint=param.opts[0]) from error


def _lambda_url(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    return value if value == AWS_ITSELF else _url(ctx, param, value)


def _writable(ctx: click.Context, param: click.Parameter, value: Path | None) -> Path | None:
    del ctx, param
    if value is not None and not value.absolute().parent.is_dir():
        raise click.BadParameter(f"{value.parent} is no folder.", param_hint="--ready-file")
    return value


@click.group(
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(VERSION, prog_name=APPLICATION)
@click.pass_context
def cli(ctx: click.Context) -> None:
    """A self-hosted gateway that speaks Amazon API Gateway's WebSocket contract."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


TEMPLATE = click.argument("template", required=False, type=click.Path(path_type=Path))
STAGE = click.option("--stage", metavar="NAME", help="Serve this stage (first); default: the template's own.")
API = click.option("--api", metavar="NAME", help="Serve only this API, by logical ID or name.")
REGION = click.option(
    "--region",
    default=default_region,
    callback=_region,
    metavar="NAME",
    show_default="AWS_REGION, AWS_DEFAULT_REGION or us-east-1",
    help="AWS region.",
)
PARAMETERS = click.option(
    OVERRIDES, "parameters", multiple=True, metavar="K=V …", callback=_overrides, help="Template parameters."
)

LAMBDA = click.option(
    "--lambda-endpoint-url",
    metavar="URL",
    callback=_lambda_url,
    help="Invoke functions that the template does not define there; aws: at AWS itself.",
)


@cli.command(cls=_Command)
@TEMPLATE
@STAGE
@API
@PARAMETERS
@REGION
@click.option(
    "--host", default=DEFAULT_HOST, callback=_host, metavar="ADDRESS", show_default=True, help="Where to listen."
)
@click.option(
    "--port", default=DEFAULT_PORT, type=PORT, metavar="N", show_default=True, help="Plain port; 0 takes a free one."
)
@click.option(
    "--tls-port", default=DEFAULT_TLS_PORT, type=PORT, metavar="N", show_default=True, help="TLS port; 0: a free one."
)
@click.option("--endpoint-url", metavar="URL", callback=_url, help="Use this AWS endpoint instead of embedded moto.")
@LAMBDA
@click.option("--ca-bundle", type=FILE, metavar="FILE", help="Trust these certificate authorities too.")
@click.option("--env-vars", type=FILE, metavar="FILE", help="JSON with function environments, as for sam.")
@click.option("--watch/--no-watch", default=True, show_default=True, help="Take up changed code and template.")
@click.option(
    "--ready-file",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=_writable,
    metavar="PATH",
    help="Write JSON with all URLs once serving.",
)
@click.option(
    "--log-dir",
    type=click.Path(file_okay=False, allow_dash=True, path_type=Path),
    metavar="DIR",
    help="Where stages that log write; - is standard output.  [default: logs in the state folder]",
)
@click.option(
    "--account-limits/--no-account-limits",
    default=False,
    show_default=True,
    help="Enforce an AWS account's quotas: 500 new connections/s, 10,000 requests/s.",
)
def run(template: Path | None, parameters: dict[str, str], **options: Any) -> None:
    """Serve the WebSocket APIs of TEMPLATE on this machine.

    TEMPLATE is a SAM or CloudFormation file; the default is template.yaml (.yml, .json) in this folder. Ctrl-C ends
    it, after every open connection got its $disconnect.
    """
    settings = run_settings(template, parameters, options)
    with Printer(sys.stdout, sys.stderr) as printer:
        app.serve(settings, printer.out, printer.err)


def run_settings(template: Path | None, parameters: dict[str, str], options: dict[str, Any]) -> RunSettings:
    """``options`` are what click made of the command line, under the names of the fields."""
    if options["port"] == options["tls_port"] != 0:
        raise click.UsageError(f"--port and --tls-port cannot both be {options['port']}.")
    check_environment()
    return RunSettings(template=_template(template), directories=directories(), parameters=parameters, **options)


@cli.command(cls=_Command, short_help="Check TEMPLATE: its problems, or its routes.")
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
        found = checking.check(_template(template), parameters=parameters, remote_functions=elsewhere, **options)
    except UserError as error:
        if as_json:
            click.echo(json.dumps(checking.problems_document(_problems(error)), indent=2))
        else:
            _tell_problems(error)
        raise click.exceptions.Exit(USER_ERROR) from error
    if as_json:
        click.echo(json.dumps(checking.summary_document(found), indent=2))
        return
    for warning in found.warnings:
        click.echo(indented(f"warning: {warning}"), err=True)
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
    """The ``wsfleet`` command."""
    sys.exit(status_of(sys.argv[1:]))


def status_of(args: Sequence[str], command: click.Command = cli) -> int:
    """Carry out one command line; whatever goes wrong is told on standard error. Returns the exit status.

    Raises an internal error only when ``WSFLEET_DEBUG`` asks for its traceback.
    """
    try:
        return int(command.main(list(args), prog_name=APPLICATION, standalone_mode=False) or 0)
    except click.ClickException as error:
        _tell("error: " + _sentence(error) + f"\n  hint: {_help_of(error)} shows what there is")
    except click.Abort:
        return INTERRUPTED
    except UserError as error:
        _tell_problems(error)
        if isinstance(error, DefinitionError):
            _tell("nothing was started")
    except GatewayError as error:
        _tell(f"error: {one_line(error)}")
        return FAILURE
    except Exception as error:
        if is_debugging():
            raise
        _tell(f"internal error: {one_line(error)}\n  hint: {DEBUG}=1 shows the traceback; please report it")
        return FAILURE
    return USER_ERROR


def _sentence(error: click.ClickException) -> str:
    """Click's message on one line, begun like ours."""
    text = " ".join(error.format_message().split()).removesuffix(".")
    return text[:1].lower() + text[1:]


def _help_of(error: click.ClickException) -> str:
    ctx = error.ctx if isinstance(error, click.UsageError) else None
    return f"{APPLICATION if ctx is None else ctx.command_path} --help"


def _problems(error: UserError) -> tuple[Problem, ...]:
    return error.problems if isinstance(error, DefinitionError) else (Problem(error.message, hint=error.hint),)


def _tell_problems(error: UserError) -> None:
    problems = _problems(error)
    for problem in problems:
        _tell(f"error: {problem}")
    if len(problems) > 1:
        _tell(f"{len(problems)} problems")


def _tell(text: str) -> None:
    with suppress(OSError):  # a closed pipe: nobody is watching any more
        click.echo(indented(text), err=True)
