"""The ``wsfleet`` command: options in, settings out; errors as one clear line with a hint.

Exit status: 0 when all went well, 2 for what the user can mend, 130 after Ctrl-C before anything was served, 1 for
everything else.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Final

import click

from gateway.cli.lazily import Lazily
from gateway.cli.telling import FAILURE, INTERRUPTED, USER_ERROR, tell, tell_problems
from gateway.model.errors import DefinitionError, GatewayError, UserError
from gateway.model.surprise import one_line
from gateway.settings import APPLICATION, DEBUG, is_debugging
from gateway.system.private_file import PRIVATE_UMASK
from gateway.version import version

MODULES: Final = {
    "run": "gateway.cli.run",
    "validate": "gateway.cli.validate",
    "serve": "gateway.cli.serve",
    "serve-worker": "gateway.cli.serve",
    "init": "gateway.cli.init",
    "config": "gateway.cli.config",
    "nodes": "gateway.cli.nodes",
    "drain": "gateway.cli.nodes",
    "connections": "gateway.cli.connections",
    "failed": "gateway.cli.failed",
}


def _tell_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    del param
    if value and not ctx.resilient_parsing:
        click.echo(f"{APPLICATION}, version {version()}")
        ctx.exit()


@click.group(
    cls=Lazily,
    modules=MODULES,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_tell_version,
    help="Show the version and exit.",
)
@click.pass_context
def cli(ctx: click.Context) -> None:
    """A self-hosted gateway that speaks Amazon API Gateway's WebSocket contract."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main() -> None:
    """The ``wsfleet`` command. What it creates is for its user alone."""
    os.umask(PRIVATE_UMASK)
    sys.exit(status_of(sys.argv[1:]))


def status_of(args: Sequence[str], command: click.Command = cli) -> int:
    """Carry out one command line; whatever goes wrong is told on standard error. Returns the exit status.

    Raises an internal error only when ``WSFLEET_DEBUG`` asks for its traceback.
    """
    try:
        return int(command.main(list(args), prog_name=APPLICATION, standalone_mode=False) or 0)
    except click.ClickException as error:
        tell("error: " + _sentence(error) + f"\n  hint: {_help_of(error)} shows what there is")
    except click.Abort:
        return INTERRUPTED
    except UserError as error:
        tell_problems(error)
        if isinstance(error, DefinitionError):
            tell("nothing was started")
    except GatewayError as error:
        tell(f"error: {one_line(error)}")
        return FAILURE
    except Exception as error:
        if is_debugging():
            raise
        tell(f"internal error: {one_line(error)}\n  hint: {DEBUG}=1 shows the traceback; please report it")
        return FAILURE
    return USER_ERROR


def _sentence(error: click.ClickException) -> str:
    """Click's message on one line, begun like ours."""
    text = " ".join(error.format_message().split()).removesuffix(".")
    return text[:1].lower() + text[1:]


def _help_of(error: click.ClickException) -> str:
    ctx = error.ctx if isinstance(error, click.UsageError) else None
    return f"{APPLICATION if ctx is None else ctx.command_path} --help"
