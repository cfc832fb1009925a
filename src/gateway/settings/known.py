"""The names of all settings, and who was meant by one that is none of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Final

from gateway.model.errors import UserError
from gateway.settings.environment import CACHE_DIR, DEBUG, PREFIX, STATE_DIR
from gateway.settings.serve import ServeSettings
from gateway.settings.setting import settings_of

CONFIG: Final = "WSFLEET_CONFIG"
SETTINGS: Final = settings_of(ServeSettings)
_OF_RUN: Final = (STATE_DIR, CACHE_DIR, DEBUG)
_OF_HANDLERS: Final = ("WSFLEET_HOSTS", "WSFLEET_OPT")  # in the environment of every program a handler starts
VARIABLES: Final = tuple(dict.fromkeys((*(each.variable for each in SETTINGS), CONFIG, *_OF_RUN)))


def check_environment(environ: Mapping[str, str] | None = None) -> None:
    """Raises UserError for a variable that has this program's prefix and is none of its settings."""
    unknown = unknown_variables(os.environ if environ is None else environ)
    if unknown:
        raise UserError(f"{', '.join(unknown)}: no such setting", f"there are {', '.join(_OF_RUN)}")


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Sorted."""
    return sorted(name for name in environ if name.startswith(PREFIX) and name not in (*VARIABLES, *_OF_HANDLERS))


def hint_for(name: str, known: Iterable[str]) -> str:
    """Which of ``known`` somebody meant who wrote ``name``."""
    close = get_close_matches(name, list(known), n=1)
    return f"did you mean {close[0]}?" if close else "`wsfleet config` shows every setting"
