"""What the program was asked to do: frozen values, read from the command line, a file and the environment once."""

from __future__ import annotations

from gateway.settings.environment import (
    APPLICATION,
    CACHE_DIR,
    DEBUG,
    DEFAULT_REGION,
    STATE_DIR,
    Directories,
    aws_credentials,
    default_region,
    directories,
    install_environment,
    is_debugging,
    tool_environment,
)
from gateway.settings.kinds import HostPort
from gateway.settings.known import check_environment
from gateway.settings.run import (
    AWS_ITSELF,
    DEFAULT_HOST,
    DEFAULT_PORT,
    DEFAULT_TLS_PORT,
    TEMPLATE_NAMES,
    TO_OUTPUT,
    RunSettings,
    find_template,
)
from gateway.settings.serve import ServeSettings
from gateway.settings.sources import Effective, Origin, Source, document_of, from_document, load_settings

__all__ = [
    "APPLICATION",
    "AWS_ITSELF",
    "CACHE_DIR",
    "DEBUG",
    "DEFAULT_HOST",
    "DEFAULT_PORT",
    "DEFAULT_REGION",
    "DEFAULT_TLS_PORT",
    "STATE_DIR",
    "TEMPLATE_NAMES",
    "TO_OUTPUT",
    "Directories",
    "Effective",
    "HostPort",
    "Origin",
    "RunSettings",
    "ServeSettings",
    "Source",
    "aws_credentials",
    "check_environment",
    "default_region",
    "directories",
    "document_of",
    "find_template",
    "from_document",
    "install_environment",
    "is_debugging",
    "load_settings",
    "tool_environment",
]
