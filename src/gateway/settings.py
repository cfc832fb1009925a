"""What one run of the program was asked to do: frozen values, read from the command line and the environment once.

Nothing else in the project reads ``os.environ``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import platformdirs

from gateway.model.errors import UserError

APPLICATION: Final = "wsfleet"
DEFAULT_REGION: Final = "us-east-1"
DEFAULT_HOST: Final = "localhost"  # both loopback addresses
DEFAULT_PORT: Final = 8080  # plain
DEFAULT_TLS_PORT: Final = 8443
TO_OUTPUT: Final = Path("-")  # as a log folder
TEMPLATE_NAMES: Final = ("template.yaml", "template.yml", "template.json")  # in the order `sam` looks for them
AWS_ITSELF: Final = "aws"  # in the place of an endpoint's URL
STATE_DIR: Final = "WSFLEET_STATE_DIR"
CACHE_DIR: Final = "WSFLEET_CACHE_DIR"
DEBUG: Final = "WSFLEET_DEBUG"
_PREFIX: Final = "WSFLEET_"
_KNOWN: Final = (STATE_DIR, CACHE_DIR, DEBUG)
_OF_HANDLERS: Final = ("WSFLEET_HOSTS", "WSFLEET_OPT")  # in the environment of every program a handler starts
_OFF: Final = ("", "0", "false", "no", "off")


@dataclass(frozen=True, slots=True)
class Directories:
    """``state`` holds the local certificate authority, the key of connection IDs and the logs of stages; ``cache`` can
    be deleted.

    Both are absolute, for handlers run in folders of their own.
    """

    state: Path
    cache: Path


@dataclass(frozen=True, slots=True)
class RunSettings:
    """``wsfleet run``. Ports 0 mean any free one; ``endpoint_url`` None means embedded moto.

    ``lambda_endpoint_url`` is where functions run that the template does not define: a URL, ``AWS_ITSELF``, or None for
    nowhere. ``ca_bundle`` holds authorities to trust beside the public ones. ``log_dir`` None means a folder of the
    state's, ``TO_OUTPUT`` none at all. ``account_limits`` enforces the quotas of an AWS account, which AWS raises on
    request; those of stages and routes always hold.
    """

    template: Path
    directories: Directories
    stage: str | None = None
    api: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    region: str = DEFAULT_REGION
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    tls_port: int = DEFAULT_TLS_PORT
    endpoint_url: str | None = None
    lambda_endpoint_url: str | None = None
    ca_bundle: Path | None = None
    env_vars: Path | None = None
    watch: bool = True
    ready_file: Path | None = None
    log_dir: Path | None = None
    account_limits: bool = False

    @property
    def log_folder(self) -> Path | None:
        """Where the logs of stages are written, absolute; None is standard output."""
        if self.log_dir == TO_OUTPUT:
            return None
        return (self.log_dir or self.directories.state / "logs").absolute()


def check_environment(environ: Mapping[str, str] | None = None) -> None:
    """Raises UserError for a variable that has this program's prefix and is none of its settings."""
    environ = os.environ if environ is None else environ
    unknown = sorted(name for name in environ if name.startswith(_PREFIX) and name not in (*_KNOWN, *_OF_HANDLERS))
    if unknown:
        raise UserError(f"{', '.join(unknown)}: no such setting", f"there are {', '.join(_KNOWN)}")


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
    return environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or DEFAULT_REGION


def aws_credentials(environ: Mapping[str, str] | None = None) -> tuple[str, str, str | None] | None:
    """Access key, secret and session token from the environment, None when there are none."""
    environ = os.environ if environ is None else environ
    key, secret = environ.get("AWS_ACCESS_KEY_ID"), environ.get("AWS_SECRET_ACCESS_KEY")
    return (key, secret, environ.get("AWS_SESSION_TOKEN") or None) if key and secret else None


def tool_environment(environ: Mapping[str, str] | None = None) -> Mapping[str, str]:
    """What pip, npm and the search for interpreters get; of it, handlers get PATH alone."""
    return dict(os.environ if environ is None else environ)


def find_template(folder: Path) -> Path | None:
    """The template that ``wsfleet run`` takes when none is named, None when the folder has none."""
    return next((folder / name for name in TEMPLATE_NAMES if (folder / name).is_file()), None)
