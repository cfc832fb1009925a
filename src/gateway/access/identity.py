"""Identity sources (parity 6.2): what a handshake must carry before its authorizer is invoked at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final
from urllib.parse import parse_qsl

from gateway.model.errors import ExpressionError
from gateway.model.handshake import Handshake


class Source(Enum):
    """Where an identity source is looked up, by AWS's prefix."""

    HEADER = "route.request.header."
    QUERYSTRING = "route.request.querystring."
    CONTEXT = "context."
    STAGE_VARIABLE = "stageVariables."


@dataclass(frozen=True, slots=True)
class IdentitySource:
    """One parsed entry of ``Authorizer.identity_source``."""

    source: Source
    name: str


_NAME: Final = re.compile(r"[a-zA-Z0-9._-]+")
# AWS accepts these two when the authorizer is made and then answers every connection 401 (parity 6.2).
_NEVER_PRESENT: Final = ("eventType", "messageDirection")


def parse(text: str) -> IdentitySource:
    """Read one entry. Raises ExpressionError with a position in ``text`` for what AWS would refuse."""
    for source in Source:
        if text.startswith(source.value):
            name = text.removeprefix(source.value)
            good = _NAME.match(name)
            end = good.end() if good else 0
            if not name or end != len(name):
                raise ExpressionError(f"{source.value}NAME takes letters, digits, ., _ and -", len(source.value) + end)
            return IdentitySource(source, name)
    allowed = ", ".join(f"{source.value}NAME" for source in Source)
    raise ExpressionError(f"an identity source is one of {allowed}", 0)


def all_present(
    sources: Iterable[IdentitySource],
    handshake: Handshake,
    context: Mapping[str, str],
    stage_variables: Mapping[str, str],
) -> bool:
    """Whether every source has a non-empty value; if not the client gets 401 and no authorizer is invoked.

    ``context`` is flat, by the names of parity 5.3 (``connectionId``, ``identity.sourceIp``).
    """
    return all(_value(each, handshake, context, stage_variables) for each in sources)


def _value(
    wanted: IdentitySource, handshake: Handshake, context: Mapping[str, str], stage_variables: Mapping[str, str]
) -> str | None:
    match wanted.source:
        case Source.HEADER:
            return handshake.header(wanted.name)
        case Source.QUERYSTRING:
            return dict(parse_qsl(handshake.query, keep_blank_values=True)).get(wanted.name)
        case Source.CONTEXT:
            return None if wanted.name in _NEVER_PRESENT else context.get(wanted.name)
        case Source.STAGE_VARIABLE:
            return stage_variables.get(wanted.name)
