"""The format of a stage's access log (parity 10): text with ``$context.x`` or ``${context.x}`` in it.

CLF, JSON, XML and CSV are all just text to AWS. What is told apart here is only what decides how a value is escaped,
so that nobody who chooses one can end a line, a JSON string or an XML element. Where values come from is not known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

REQUEST_IDS: Final = frozenset({"requestId", "extendedRequestId"})  # AWS wants one of them in every format
AUTHORIZER: Final = "authorizer."  # followed by any key of the authorizer's context
VARIABLES: Final = frozenset({
    "apiId", "connectedAt", "connectionId", "disconnectReason", "disconnectStatusCode", "domainName",
    "eventType", "extendedRequestId", "integrationLatency", "messageDirection", "messageId", "requestId",
    "requestTime", "requestTimeEpoch", "responseLatency", "responseLength", "routeKey", "stage", "status",
    "authenticate.error", "authenticate.latency", "authenticate.status", "authorize.error", "authorize.latency",
    "authorize.status", "error.message", "error.messageString", "error.responseType",
    "error.validationErrorString", "identity.accountId", "identity.apiKey", "identity.apiKeyId",
    "identity.caller", "identity.cognitoAuthenticationProvider", "identity.cognitoAuthenticationType",
    "identity.cognitoIdentityId", "identity.cognitoIdentityPoolId", "identity.principalOrgId",
    "identity.sourceIp", "identity.user", "identity.userAgent", "identity.userArn", "integration.error",
    "integration.integrationStatus", "integration.latency", "integration.requestId", "integration.status",
    "waf.error", "waf.latency", "waf.status",
})  # fmt: skip
_VARIABLE: Final = re.compile(r"\$(?:\{context\.([^{}]*)\}|context\.([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*))")
_BREAKS: Final = re.compile(r"[\r\n]+[ \t]*")
_STRING_ENDS: Final = re.compile(r'\\.|"', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Variable:
    """``name`` is what follows ``context.``; ``is_quoted`` says whether it stands between double quotes."""

    name: str
    is_quoted: bool


@dataclass(frozen=True, slots=True)
class LogFormat:
    """Texts and variables in the order they are written; ``is_xml`` when it begins like an element."""

    is_xml: bool
    parts: tuple[str | Variable, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The variables it uses, each once, in order."""
        return tuple(dict.fromkeys(part.name for part in self.parts if isinstance(part, Variable)))


def parse(text: str) -> LogFormat:
    """Never fails: what is no variable is text. Line breaks, which AWS refuses, become spaces."""
    line = _BREAKS.sub(" ", text.strip("\r\n"))
    parts: list[str | Variable] = []
    at, is_quoted = 0, False
    for found in _VARIABLE.finditer(line):
        literal = line[at : found.start()]
        is_quoted ^= _flips_quotes(literal)
        parts += [literal] if literal else []
        parts.append(Variable(found[2] if found[1] is None else found[1], is_quoted))
        at = found.end()
    parts += [line[at:]] if line[at:] else []
    return LogFormat(line.lstrip().startswith("<"), tuple(parts))


def is_one_line(text: str) -> bool:
    """AWS takes no line break in the format of a WebSocket API, not even at its end."""
    return "\n" not in text and "\r" not in text


def names_the_request(log_format: LogFormat) -> bool:
    """Whether it has one of the variables without which AWS refuses a format."""
    return not REQUEST_IDS.isdisjoint(log_format.names)


def unknown_names(log_format: LogFormat) -> tuple[str, ...]:
    """Variables that no WebSocket API has; AWS takes them and writes ``-``."""
    return tuple(name for name in log_format.names if not (name in VARIABLES or _is_of_the_authorizer(name)))


def _is_of_the_authorizer(name: str) -> bool:
    return name.startswith(AUTHORIZER) and len(name) > len(AUTHORIZER)


def _flips_quotes(literal: str) -> bool:
    return sum(found[0] == '"' for found in _STRING_ENDS.finditer(literal)) % 2 == 1
