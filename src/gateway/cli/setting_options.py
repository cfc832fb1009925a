"""Flags made from the settings themselves, so that help, file and variables never differ."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from gateway.settings import Effective, load_settings
from gateway.settings.kinds import Pairs, Switch
from gateway.settings.known import SETTINGS
from gateway.settings.profile import PROFILE_SETTINGS, Profile
from gateway.settings.setting import Setting

TABLE_SETTINGS: Final = ("table", "region", "endpoint_url")  # what a command needs to find the fleet
CONFIG: Final = click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Settings in TOML.  [default: WSFLEET_CONFIG, else wsfleet.toml here]",
)
CommandT = TypeVar("CommandT", bound=Callable[..., Any])


def settings_options(names: Collection[str] | None = None) -> Callable[[CommandT], CommandT]:
    """``--config``, then a flag for each setting (None: for all), in their order. What was not given is None."""

    def decorated(command: CommandT) -> CommandT:
        for each in reversed(SETTINGS):
            if names is None or each.name in names:
                command = option(each)(command)
        return CONFIG(command)

    return decorated


def option(each: Setting) -> Callable[[CommandT], CommandT]:
    """The flag of one setting. Its text is read with all others, so that everything wrong is told at once."""
    match each.about.kind:
        case Switch():
            opposite = each.flag.replace("--no-", "--", 1) if each.name.startswith("no_") else f"--no{each.flag[1:]}"
            return click.option(f"{each.flag}/{opposite}", each.name, default=None, help=_help(each))
        case Pairs(metavar):
            return click.option(each.flag, each.name, multiple=True, metavar=metavar, help=_help(each))
    return click.option(each.flag, each.name, metavar=each.about.kind.metavar, help=_help(each))


def profile_options(command: CommandT) -> CommandT:
    """Flags for what may be lifted of AWS's limits, for a command that reads no settings file. They have values as the
    settings have."""

    def read(ctx: click.Context, param: click.Parameter, value: object) -> Any:
        del ctx
        try:
            return kinds[str(param.name)].read(value)
        except ValueError as error:
            raise click.BadParameter(f"{error}.", param_hint=param.opts[0]) from error

    wanted = [each for each in SETTINGS if each.name in PROFILE_SETTINGS]
    kinds = {each.name: each.about.kind for each in wanted}
    for each in reversed(wanted):
        metavar = each.about.kind.metavar
        command = click.option(
            each.flag,
            each.name,
            default=each.value,
            callback=read,
            metavar=metavar,
            type=click.UNPROCESSED,
            help=_help(each),
        )(command)
    return command


def profile_among(options: dict[str, Any]) -> Profile:
    """Takes what ``profile_options`` has read out of ``options``."""
    return Profile(**{name: options.pop(name) for name in PROFILE_SETTINGS})


def effective(config: Path | None, flags: dict[str, Any]) -> Effective:
    """What holds under these flags. Raises UserError."""
    return load_settings({name: None if value == () else value for name, value in flags.items()}, config)


def _help(each: Setting) -> str:
    default = f"{each.shown_default} {each.about.unit}" if each.about.unit in ("s", "1/s") else each.shown_default
    return f"{each.about.doc}  [default: {default}]"
