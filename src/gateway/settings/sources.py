"""Settings from where they stand: defaults, then the file, then the environment, then flags; the last one wins.

Everything wrong is collected and told at once, each with its place and, for a name that does not exist, the one that
was probably meant. What a later source overrides must be right all the same.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from gateway.model.errors import SettingsError
from gateway.model.problem import Problem
from gateway.settings.config_file import ConfigFile, read_config
from gateway.settings.kinds import Json
from gateway.settings.known import CONFIG, SETTINGS, VARIABLES, hint_for, unknown_variables
from gateway.settings.run import TO_OUTPUT, find_template
from gateway.settings.serve import ServeSettings
from gateway.settings.setting import Setting

_NAMES: Final = tuple(each.name for each in SETTINGS)


class Origin(Enum):
    """The kinds of source, weakest first."""

    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Source:
    """``place`` is ``FILE:LINE``, a variable or a flag; empty for a default."""

    origin: Origin
    place: str = ""


@dataclass(frozen=True, slots=True)
class Effective:
    """What holds, and for each setting by name where it comes from."""

    settings: ServeSettings
    sources: Mapping[str, Source]


@dataclass(frozen=True, slots=True)
class _Found:
    """One value somewhere, read or complained about."""

    source: Source
    value: Any = None
    problem: Problem | None = None


def load_settings(
    flags: Mapping[str, object], config: Path | None = None, environ: Mapping[str, str] | None = None
) -> Effective:
    """``flags`` by name, None for one that was not given; ``config`` is the file named by a flag.

    Raises SettingsError with every problem, UserError when the file cannot be read.
    """
    environ = os.environ if environ is None else environ
    named = config or (Path(environ[CONFIG]) if environ.get(CONFIG) else None)
    file = read_config(named, Path())
    problems = [*_unknown_keys(file), *_unknown_variables(environ)]
    values: dict[str, Any] = {}
    sources: dict[str, Source] = {}
    for each in SETTINGS:
        found = tuple(_found(each, file, environ, flags))
        problems += (one.problem for one in found if one.problem is not None)
        sources[each.name] = found[-1].source if found else Source(Origin.DEFAULT)
        if found:
            values[each.name] = found[-1].value
    values.setdefault("api", find_template(Path()))
    if problems:
        raise SettingsError(problems)
    settings = ServeSettings(**values)
    problems += _at_odds(settings)
    if problems:
        raise SettingsError(problems)
    return Effective(settings, sources)


def document_of(settings: ServeSettings) -> dict[str, Json]:
    """All of them ready for JSON, None for what is not set."""
    return {each.name: each.written(getattr(settings, each.name)) for each in SETTINGS}


def from_document(document: Mapping[str, Json]) -> ServeSettings:
    """What ``document_of`` wrote. Raises ValueError for anything else."""
    if set(document) != set(_NAMES):
        raise ValueError(f"not the settings of this version: {sorted(set(document) ^ set(_NAMES))}")
    values: dict[str, Any] = {
        each.name: None if (raw := document[each.name]) is None else each.about.kind.read(raw) for each in SETTINGS
    }
    return ServeSettings(**values)


def _found(
    each: Setting, file: ConfigFile, environ: Mapping[str, str], flags: Mapping[str, object]
) -> Iterator[_Found]:
    """What is said of one setting, the weakest source first."""
    if each.name in file.values:
        yield _read(each, file.values[each.name], Source(Origin.FILE, _place(file, each.name)), file)
    variable = next((name for name in (each.variable, *each.about.also) if environ.get(name)), None)
    if variable is not None:  # one that is empty says nothing
        yield _read(each, environ[variable], Source(Origin.ENVIRONMENT, variable))
    if flags.get(each.name) is not None:
        yield _read(each, flags[each.name], Source(Origin.FLAG, each.flag))


def _read(each: Setting, raw: object, source: Source, file: ConfigFile | None = None) -> _Found:
    try:
        value = each.about.kind.read(raw)
    except ValueError as error:
        if file is None:
            return _Found(source, problem=Problem(f"{source.place}: {error}", hint=each.about.doc))
        line = file.line_of(each.name)
        return _Found(source, problem=Problem(f"{each.name}: {error}", str(file.path), line, hint=each.about.doc))
    if file is not None and isinstance(value, Path) and value != TO_OUTPUT:
        value = file.folder / value
    return _Found(source, value)


def _place(file: ConfigFile, key: str) -> str:
    line = file.line_of(key)
    return f"{file.path}" if line is None else f"{file.path}:{line}"


def _unknown_keys(file: ConfigFile) -> Iterator[Problem]:
    for key in file.values:
        if key not in _NAMES:
            hint = hint_for(key.lower().replace("-", "_"), _NAMES)
            yield Problem(f"{key}: no such setting", str(file.path), file.line_of(key), hint=hint)


def _unknown_variables(environ: Mapping[str, str]) -> Iterator[Problem]:
    for name in unknown_variables(environ):
        yield Problem(f"{name}: no such setting", hint=hint_for(name, VARIABLES))


def _is_safe(url: str) -> bool:
    """Nobody can be between: TLS, or this machine."""
    return urlsplit(url).scheme == "https" or urlsplit(url).hostname in ("127.0.0.1", "::1", "localhost")


def _at_odds(settings: ServeSettings) -> Iterator[Problem]:
    """What is wrong with several settings together."""
    if settings.port == settings.tls_port != 0:
        yield Problem(f"port and tls_port cannot both be {settings.port}", hint="choose another --tls-port")
    yield from _tls_at_odds(settings)
    if settings.proxy_protocol == "required" and not settings.trusted_proxies:
        yield Problem("proxy_protocol: nobody is trusted", hint="name the balancers' networks in trusted_proxies")
    yield from _callers_at_odds(settings)
    if settings.advertise is not None:
        try:
            settings.advertise.after(settings.workers - 1)
        except ValueError as error:
            yield Problem(f"advertise: {error}", hint="each worker takes the port after the one before")
    yield from _metrics_at_odds(settings)
    if settings.ready_file is not None and not settings.ready_file.absolute().parent.is_dir():
        yield Problem(f"ready_file: {settings.ready_file.parent} is no folder", hint="choose another --ready-file")


def _callers_at_odds(settings: ServeSettings) -> Iterator[Problem]:
    if settings.trust_iam and settings.principals_file is None:
        yield Problem("trust_iam without principals_file", hint="its [[iam]] entries grant what trusted callers may do")
    if settings.sts_endpoint_url is not None and not _is_safe(settings.sts_endpoint_url):
        yield Problem("sts_endpoint_url must be https://", hint="whoever is between could name anybody")
    if settings.principals_file is not None and settings.no_auth:
        yield Problem("principals_file and no_auth are at odds", hint="take out one: no_auth verifies nobody")
    if settings.no_auth_on_network and not settings.no_auth:
        yield Problem("no_auth_on_network without no_auth", hint="leave it out: signatures are verified")


def _metrics_at_odds(settings: ServeSettings) -> Iterator[Problem]:
    if settings.metrics_port is not None and settings.metrics_token_file is None and not _is_loopback(settings):
        hint = "set --metrics-token-file, or leave --metrics-host at localhost"
        yield Problem(f"metrics_host: {settings.metrics_host} is no loopback address, and there is no token", hint=hint)
    if settings.metrics_port is None and settings.metrics_token_file is not None:
        yield Problem("metrics_token_file: there are no metrics", hint="choose a --metrics-port")


def _tls_at_odds(settings: ServeSettings) -> Iterator[Problem]:
    has_certificates = settings.has_certificates
    asks_clients = settings.tls_client_certs not in (None, "off")
    for is_wrong, message, hint in (
        (
            settings.tls_key_file is not None and settings.tls_cert_file is None,
            "tls_key_file: there is no certificate to it",
            "name it in tls_cert_file",
        ),
        (has_certificates and settings.tls_port is None, "tls_cert_file: no port speaks TLS", "choose a --tls-port"),
        (
            settings.tls_client_ca_file is not None and not has_certificates,
            "tls_client_ca_file: clients are asked for certificates only where the node has its own",
            "set tls_cert_file or tls_cert_dir",
        ),
        (
            asks_clients and settings.tls_client_ca_file is None,
            f"tls_client_certs: {settings.tls_client_certs}, and nobody vouches for clients",
            "name their authorities in tls_client_ca_file",
        ),
    ):
        if is_wrong:
            yield Problem(message, hint=hint)


def _is_loopback(settings: ServeSettings) -> bool:
    try:
        return settings.metrics_host == "localhost" or ip_address(settings.metrics_host).is_loopback
    except ValueError:
        return False
