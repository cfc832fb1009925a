"""What values a setting can have: text of a flag or a variable, or a value of a TOML file, to a value, and back.

A kind complains by ValueError with the end of a sentence that begins with the setting's name. What it writes, JSON can
hold and it reads again as the same value; so a worker gets its settings.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Protocol, cast
from urllib.parse import urlsplit

from gateway.access.grant import is_account, is_pattern
from gateway.access.origin import origin_pattern
from gateway.model.networks import Networks, read_networks
from gateway.settings.pairs import pairs_of
from gateway.settings.run import AWS_ITSELF

Json = None | bool | int | float | str | Mapping[str, str]
_REGION: Final = re.compile(r"[a-z]+(-[a-z0-9]+)+")
_ACCOUNT: Final = re.compile(r"[0-9]{12}")
_ON: Final = ("1", "true", "yes", "on")
_OFF: Final = ("0", "false", "no", "off")
MAX_PORT: Final = 65_535


@dataclass(frozen=True, slots=True)
class HostPort:
    """Where others reach something. ``port`` is 1 to 65535; an IPv6 ``host`` has no brackets."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def after(self, ports: int) -> HostPort:
        """The same host, so many ports further. Raises ValueError where there is no such port."""
        if self.port + ports > MAX_PORT:
            raise ValueError(f"port {self.port} and {ports} more go beyond {MAX_PORT}")
        return replace(self, port=self.port + ports)


class Kind(Protocol):
    """One kind of value. ``metavar`` is how help calls it; empty for a switch."""

    @property
    def metavar(self) -> str: ...

    def read(self, raw: object) -> Any:
        """``raw`` is text, what TOML can hold, or a sequence of texts. Raises ValueError."""

    def written(self, value: Any) -> Json:
        """What ``read`` reads as ``value``."""


class _AsItIs:
    """A kind whose values JSON holds as they are."""

    __slots__ = ()

    def written(self, value: Any) -> Json:
        return cast("Json", value)


@dataclass(frozen=True, slots=True)
class Word(_AsItIs):
    """Text that is not empty."""

    metavar: str = "NAME"

    def read(self, raw: object) -> str:
        if not isinstance(raw, str) or not raw.strip():
            raise ValueError(f"{raw!r} is no text")
        return raw


@dataclass(frozen=True, slots=True)
class Whole(_AsItIs):
    """A whole number, both ends included."""

    least: int
    most: int
    metavar: str = "N"

    def read(self, raw: object) -> int:
        try:
            value = int(raw) if isinstance(raw, str) else raw
        except ValueError:
            value = None
        if not isinstance(value, int) or isinstance(value, bool) or not self.least <= value <= self.most:
            raise ValueError(f"{raw!r} is no whole number from {self.least} to {self.most}")
        return value


@dataclass(frozen=True, slots=True)
class Number(_AsItIs):
    """A number, both ends included."""

    least: float
    most: float
    metavar: str = "X"

    def read(self, raw: object) -> float:
        try:
            value = float(raw) if isinstance(raw, str | int | float) and not isinstance(raw, bool) else math.nan
        except (ValueError, OverflowError):
            value = math.nan
        if not self.least <= value <= self.most:
            raise ValueError(f"{raw!r} is no number from {self.least:g} to {self.most:.16g}")
        return value


@dataclass(frozen=True, slots=True)
class NumberOrZero(_AsItIs):
    """A number, both ends included, or 0 where there is to be none."""

    least: float
    most: float
    metavar: str = "X"

    def read(self, raw: object) -> float:
        value = Number(0, self.most).read(raw)
        if 0 < value < self.least:
            raise ValueError(f"{raw!r} is neither 0 nor a number from {self.least:g} to {self.most:.16g}")
        return value


@dataclass(frozen=True, slots=True)
class OneOf(_AsItIs):
    """One of a few words or numbers."""

    choices: tuple[str | int, ...]

    @property
    def metavar(self) -> str:
        return "|".join(map(str, self.choices))

    def read(self, raw: object) -> str | int:
        for choice in self.choices:
            if not isinstance(raw, bool) and raw in (choice, str(choice)):
                return choice
        raise ValueError(f"{raw!r} is none of {', '.join(map(str, self.choices))}")


@dataclass(frozen=True, slots=True)
class Switch(_AsItIs):
    """On or off."""

    metavar: str = ""

    def read(self, raw: object) -> bool:
        if isinstance(raw, bool):
            return raw
        if isinstance(raw, str) and raw.lower() in (*_ON, *_OFF):
            return raw.lower() in _ON
        raise ValueError(f"{raw!r} is neither true nor false")


@dataclass(frozen=True, slots=True)
class Location:
    """A file or folder that need not exist."""

    metavar: str = "FILE"

    def read(self, raw: object) -> Path:
        if isinstance(raw, Path):
            return raw
        if not isinstance(raw, str) or not raw.strip() or "\0" in raw:
            raise ValueError(f"{raw!r} is no path")
        return Path(raw)

    def written(self, value: Path) -> Json:
        return str(value)


@dataclass(frozen=True, slots=True)
class Url(_AsItIs):
    """Where a server is; ``AWS_ITSELF`` too where ``or_aws``."""

    or_aws: bool = False
    metavar: str = "URL"

    def read(self, raw: object) -> str:
        return AWS_ITSELF if self.or_aws and raw == AWS_ITSELF else url_of(raw)


@dataclass(frozen=True, slots=True)
class Region(_AsItIs):
    """The name of an AWS region, also of one that is not known yet."""

    metavar: str = "NAME"

    def read(self, raw: object) -> str:
        return region_of(raw)


@dataclass(frozen=True, slots=True)
class AccountId(_AsItIs):
    """Twelve digits; in TOML a number will do that has so many."""

    metavar: str = "ID"

    def read(self, raw: object) -> str:
        text = str(raw) if isinstance(raw, int) else raw
        if not isinstance(text, str) or not _ACCOUNT.fullmatch(text):
            raise ValueError(f"{raw!r} is no account: 12 digits, in quotes")
        return text


@dataclass(frozen=True, slots=True)
class Place:
    """A ``HostPort``."""

    metavar: str = "HOST:PORT"

    def read(self, raw: object) -> HostPort:
        text = raw if isinstance(raw, str) else ""
        host, colon, port = text.rpartition(":")
        bare = host.removeprefix("[").removesuffix("]")
        is_bracketed = host != bare
        if not colon or not bare or not port.isdecimal() or not port.isascii() or (":" in bare) != is_bracketed:
            raise ValueError(f"{raw!r} is not HOST:PORT")
        if not 1 <= int(port) <= MAX_PORT:
            raise ValueError(f"{raw!r} names no port from 1 to {MAX_PORT}")
        return HostPort(bare, int(port))

    def written(self, value: HostPort) -> Json:
        return str(value)


@dataclass(frozen=True, slots=True)
class Callers:
    """Account IDs and patterns of ARNs: a list in TOML, elsewhere words with blanks between."""

    metavar: str = "CALLERS"

    def read(self, raw: object) -> tuple[str, ...]:
        words = raw.split() if isinstance(raw, str) else raw
        if not isinstance(words, list | tuple):
            raise ValueError(f"{raw!r} is no list of accounts and ARNs")
        for word in words:
            if not isinstance(word, str) or not (is_account(word) or is_pattern(word)):
                raise ValueError(f"{word!r} is neither 12 digits, in quotes, nor an ARN of IAM that names its account")
        return tuple(words)

    def written(self, value: tuple[str, ...]) -> Json:
        return " ".join(value)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Names and their values: a table in TOML, ``K=V`` words elsewhere, of which the last one wins."""

    metavar: str = "K=V …"

    def read(self, raw: object) -> Mapping[str, str]:
        if isinstance(raw, Mapping):
            return {str(name): _parameter(name, value) for name, value in raw.items()}
        words = [raw] if isinstance(raw, str) else raw if isinstance(raw, list | tuple) else [raw]
        found: dict[str, str] = {}
        for word in words:
            if not isinstance(word, str):
                raise ValueError(f"{word!r} is not K=V")
            found.update(pairs_of(word))
        return found

    def written(self, value: Mapping[str, str]) -> Json:
        return dict(value)


@dataclass(frozen=True, slots=True)
class Cidrs:
    """Addresses and networks: a list in TOML, words or a list with commas elsewhere."""

    metavar: str = "CIDR,…"

    def read(self, raw: object) -> Networks:
        words = raw.replace(",", " ").split() if isinstance(raw, str) else raw
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise ValueError(f"{raw!r} is no list of networks")
        try:
            return read_networks(words)
        except ValueError as error:
            raise ValueError(f"{error}; networks are written as 10.0.0.0/8") from error

    def written(self, value: Networks) -> Json:
        return str(value)


@dataclass(frozen=True, slots=True)
class OriginPatterns:
    """Patterns of origins: an array in TOML, elsewhere one text with spaces or commas between them."""

    metavar: str = "ORIGIN …"

    def read(self, raw: object) -> tuple[str, ...]:
        texts = raw if isinstance(raw, list | tuple) else [raw]
        found: list[str] = []
        for text in texts:
            if not isinstance(text, str):
                raise ValueError(f"{text!r} is no text")
            found += map(origin_pattern, text.replace(",", " ").split())
        return tuple(found)

    def written(self, value: tuple[str, ...]) -> Json:
        return " ".join(value)


def url_of(raw: object) -> str:
    """An http or https URL without a slash at its end. Raises ValueError."""
    try:
        parts = urlsplit(raw if isinstance(raw, str) else "")
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_url = False
    if not is_url:
        raise ValueError(f"{raw!r} is no http:// or https:// URL")
    return str(raw).rstrip("/")


def region_of(raw: object) -> str:
    """Raises ValueError."""
    if not isinstance(raw, str) or not _REGION.fullmatch(raw):
        raise ValueError(f"{raw!r} is no AWS region")
    return raw


def _parameter(name: object, value: object) -> str:
    """CloudFormation's parameters are texts; numbers and truth values are written as it would."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise ValueError(f"{name}: {value!r} is neither text nor number")
