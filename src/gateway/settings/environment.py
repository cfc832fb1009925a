"""What the environment of this process says. Nothing else in the project reads ``os.environ``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import platformdirs

APPLICATION: Final = "wsfleet"
DEFAULT_REGION: Final = "us-east-1"
REGION_VARIABLES: Final = (
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
)  # as the SDKs read them, the first one that says anything
PREFIX: Final = "WSFLEET_"
STATE_DIR: Final = "WSFLEET_STATE_DIR"
CACHE_DIR: Final = "WSFLEET_CACHE_DIR"
DEBUG: Final = "WSFLEET_DEBUG"
_OWN: Final = (PREFIX, "AWS_")  # the gateway's settings, and its keys
_OFF: Final = ("", "0", "false", "no", "off")


@dataclass(frozen=True, slots=True)
class Directories:
    """``state`` holds the local certificate authority, the key of connection IDs and the logs of stages; ``cache`` can
    be deleted.

    Both are absolute, for handlers run in folders of their own.
    """

    state: Path
    cache: Path


def directories(environ: Mapping[str, str] | None = None) -> Directories:
    """The user's state and cache folders, or ``WSFLEET_STATE_DIR`` and ``WSFLEET_CACHE_DIR``."""
    environ = os.environ if environ is None else environ
    state = environ.get(STATE_DIR) or platformdirs.user_state_dir(APPLICATION)
    cache = environ.get(CACHE_DIR) or platformdirs.user_cache_dir(APPLICATION)
    return Directories(Path(state).absolute(), Path(cache).absolute())


def is_debugging(environ: Mapping[str, str] | None = None) -> bool:
    """Whether ``WSFLEET_DEBUG`` asks for the traceback of an internal error."""
    environ = os.environ if environ is None else environ
    return environ.get(DEBUG, "").lower() not in _OFF


def default_region(environ: Mapping[str, str] | None = None) -> str:
    """``AWS_REGION``, then ``AWS_DEFAULT_REGION``, as the SDKs read them, else us-east-1."""
    environ = os.environ if environ is None else environ
    return next((environ[name] for name in REGION_VARIABLES if environ.get(name)), DEFAULT_REGION)


def aws_credentials(environ: Mapping[str, str] | None = None) -> tuple[str, str, str | None] | None:
    """Access key, secret and session token from the environment, None when there are none."""
    environ = os.environ if environ is None else environ
    key, secret = environ.get("AWS_ACCESS_KEY_ID"), environ.get("AWS_SECRET_ACCESS_KEY")
    return (key, secret, environ.get("AWS_SESSION_TOKEN") or None) if key and secret else None


def tool_environment(environ: Mapping[str, str] | None = None) -> Mapping[str, str]:
    """What pip, npm and the search for interpreters get; of it, handlers get PATH alone."""
    return dict(os.environ if environ is None else environ)


def install_environment(environ: Mapping[str, str] | None = None) -> Mapping[str, str]:
    """The same for a node of a fleet: what packages run when they are installed has no business with its keys."""
    return {name: value for name, value in tool_environment(environ).items() if not name.startswith(_OWN)}
