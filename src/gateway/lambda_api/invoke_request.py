"""One Invoke request, read and checked in the order Lambda does; what is wrong with it is a ``Fault``."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from dataclasses import dataclass
from enum import Enum
from typing import Final
from urllib.parse import parse_qs, unquote

from gateway.lambda_api import faults
from gateway.lambda_api.faults import Fault
from gateway.lambda_api.function_name import MAX_LENGTH, FunctionReference, is_qualifier, parse
from gateway.model.http import HttpRequest
from gateway.model.json_text import NotJson, read, read_bytes
from gateway.model.limits import MAX_LAMBDA_EVENT_REQUEST_BYTES, MAX_LAMBDA_REQUEST_BYTES

PATH_PREFIX: Final = "/2015-03-31/functions/"
MAX_CLIENT_CONTEXT_BYTES: Final = 3583  # of base64, as the Invoke operation documents it
EMPTY_PAYLOAD: Final = b"{}"  # what a function is given when the caller sends nothing
_PATH: Final = re.compile(rf"{PATH_PREFIX}([^/]+)/invocations/?")


class InvocationType(Enum):
    """``X-Amz-Invocation-Type``."""

    REQUEST_RESPONSE = "RequestResponse"
    EVENT = "Event"
    DRY_RUN = "DryRun"


@dataclass(frozen=True, slots=True)
class InvokeRequest:
    """``client_context`` is decoded JSON text; ``trace_id`` None when the caller sent no trace header."""

    function: FunctionReference
    invocation_type: InvocationType
    payload: bytes
    client_context: str | None = None
    trace_id: str | None = None


class _Refused(Exception):
    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


def read_request(request: HttpRequest) -> InvokeRequest | Fault:
    """The invocation asked for, or the answer to give instead. Never raises."""
    path = _PATH.fullmatch(request.raw_path)
    if path is None or request.method != "POST":
        return faults.UNSUPPORTED
    if not _is_signed(request):
        return faults.MISSING_TOKEN
    try:
        function = _function(unquote(path[1]), request.query)
        kind = _invocation_type(request.header("X-Amz-Invocation-Type"))
        client_context = _client_context(request.header("X-Amz-Client-Context"))
        payload = _payload(request.body, kind)
    except _Refused as refused:
        return refused.fault
    return InvokeRequest(function, kind, payload, client_context, request.header("X-Amzn-Trace-Id"))


def _is_signed(request: HttpRequest) -> bool:
    """Whether there is a signature at all, which no web page can send across origins without asking first."""
    return bool(request.header("Authorization")) or "X-Amz-Signature=" in request.query


def _function(text: str, query: str) -> FunctionReference:
    qualifier = parse_qs(query).get("Qualifier", [None])[-1]
    if function := parse(text, qualifier):
        return function
    if parse(text, None) is None:
        why = f"{text[:MAX_LENGTH]!r} is not a function name or ARN"
    elif qualifier and not is_qualifier(qualifier):
        why = f"{qualifier[:MAX_LENGTH]!r} is not a version or alias"
    else:
        why = "The derived qualifier from the function name does not match the specified qualifier."
    raise _Refused(faults.invalid_parameter(why))


def _invocation_type(value: str | None) -> InvocationType:
    try:
        return InvocationType(value or "RequestResponse")
    except ValueError:
        allowed = ", ".join(kind.value for kind in InvocationType)
        raise _Refused(faults.invalid_parameter(f"X-Amz-Invocation-Type must be one of {allowed}")) from None


def _client_context(value: str | None) -> str | None:
    if not value:
        return None
    fault = faults.invalid_content("Client context must be a valid Base64-encoded JSON object.")
    try:
        text = b64decode(value, validate=True).decode("utf-8")
        is_object = isinstance(read(text), dict)
    except (binascii.Error, ValueError):
        raise _Refused(fault) from None
    if not is_object or len(value) > MAX_CLIENT_CONTEXT_BYTES:
        raise _Refused(fault)
    return text


def _payload(body: bytes, kind: InvocationType) -> bytes:
    limit = MAX_LAMBDA_EVENT_REQUEST_BYTES if kind is InvocationType.EVENT else MAX_LAMBDA_REQUEST_BYTES
    if len(body) > limit:
        raise _Refused(faults.too_large(limit))
    payload = body or EMPTY_PAYLOAD
    try:
        read_bytes(payload)
    except NotJson as error:
        raise _Refused(faults.invalid_content(f"Could not parse request body into json: {error}")) from None
    return payload
