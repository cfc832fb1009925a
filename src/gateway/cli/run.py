"""``wsfleet run``: a template's APIs on this machine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import click

from gateway import running
from gateway.cli.options import API, LAMBDA, REGION, STAGE, TEMPLATE, checked_url, template_or_found
from gateway.cli.parameters import PARAMETERS, OverridesCommand
from gateway.cli.setting_options import profile_among, profile_options
from gateway.report.printer import Printer
from gateway.settings import (
    DEFAULT_HOST,
    DEFAULT_PORT,
    DEFAULT_TLS_PORT,
    RunSettings,
    check_environment,
    directories,
)

PORT: Final = click.IntRange(0, 65535)
FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


def _host(ctx: click.Context, param: click.Parameter, value: str) -> str:
    del ctx, param
    if not value.strip():
        raise click.BadParameter("an address is needed; 0.0.0.0 is all of them.", param_hint="--host")
    return value


def _writable(ctx: click.Context, param: click.Parameter, value: Path | None) -> Path | None:
    del ctx, param
    if value is not None and not value.absolute().parent.is_dir():
        raise click.BadParameter(f"{value.parent} is no folder.", param_hint="--ready-file")
    return value


@click.command(cls=OverridesCommand)
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
@click.option(
    "--endpoint-url", metavar="URL", callback=checked_url, help="Use this AWS endpoint instead of embedded moto."
)
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
@click.option(
    "--compression/--no-compression",
    default=True,
    show_default=True,
    help="Compress messages for clients that offer permessage-deflate.",
)
@profile_options
def run(template: Path | None, parameters: dict[str, str], **options: Any) -> None:
    """Serve the WebSocket APIs of TEMPLATE on this machine.

    TEMPLATE is a SAM or CloudFormation file; the default is template.yaml (.yml, .json) in this folder. Ctrl-C ends
    it, after every open connection got its $disconnect.
    """
    settings = run_settings(template, parameters, options)
    with Printer(sys.stdout, sys.stderr) as printer:
        running.serve(settings, printer.out, printer.err)


def run_settings(template: Path | None, parameters: dict[str, str], options: dict[str, Any]) -> RunSettings:
    """``options`` are what click made of the command line, under the names of the fields."""
    if options["port"] == options["tls_port"] != 0:
        raise click.UsageError(f"--port and --tls-port cannot both be {options['port']}.")
    check_environment()
    profile = profile_among(options)
    return RunSettings(
        template=template_or_found(template),
        directories=directories(),
        parameters=parameters,
        profile=profile,
        **options,
    )
