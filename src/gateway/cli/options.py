"""Options and arguments that several commands about a template share."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.model.errors import UserError
from gateway.settings import AWS_ITSELF, default_region, find_template
from gateway.settings.kinds import region_of, url_of


def _region(ctx: click.Context, param: click.Parameter, value: str) -> str:
    del ctx, param
    try:
        return region_of(value)
    except ValueError as error:
        raise click.BadParameter(f"{error}.", param_hint="--region, AWS_REGION") from error


def checked_url(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """A callback: http or https, without a slash at its end."""
    del ctx
    if value is None:
        return None
    try:
        return url_of(value)
    except ValueError as error:
        raise click.BadParameter(f"{error}.", param_hint=param.opts[0]) from error


def _lambda_url(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    return value if value == AWS_ITSELF else checked_url(ctx, param, value)


def template_or_found(named: Path | None) -> Path:
    """``named``, or the one in this folder. Raises UserError when there is none."""
    if named is not None:
        return named
    found = find_template(Path())
    if found is None:
        raise UserError(
            "no template.yaml here", "name a SAM or CloudFormation template: wsfleet run path/to/template.yaml"
        )
    return found


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
LAMBDA = click.option(
    "--lambda-endpoint-url",
    metavar="URL",
    callback=_lambda_url,
    help="Invoke functions that the template does not define there; aws: at AWS itself.",
)
