"""Security Token Service: what ``AssumeRole`` is asked, and what its answer means."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from botocore.model import OperationModel
from botocore.parsers import ResponseParserError, create_parser

from gateway.model.aws import Credentials
from gateway.model.backend import ServiceRequest
from gateway.model.integration import ServiceTarget
from gateway.model.invocation import Answered, TimedOut, Unavailable, UpstreamResult
from gateway.upstream.actions import FORM
from gateway.upstream.credentials import NoCredentials
from gateway.upstream.draft import encoded
from gateway.upstream.roles import Assumed

SESSION_NAME: Final = "wsfleet"


def assume_request(arn: str, region: str) -> ServiceRequest:
    body = encoded((("RoleArn", arn), ("RoleSessionName", SESSION_NAME))).encode("ascii")
    return ServiceRequest(
        ServiceTarget(region, "sts", action="AssumeRole"),
        "POST",
        (("Content-Type", FORM), ("Accept", "text/xml")),
        (),
        body,
    )


def assumed(arn: str, result: UpstreamResult, operation: OperationModel) -> Assumed:
    """Raises NoCredentials when the role was not given."""
    match result:
        case Answered(status, headers, body):
            document = _parsed({"status_code": status, "headers": dict(headers), "body": body}, operation)
        case TimedOut():
            raise NoCredentials(f"{arn} cannot be assumed: STS did not answer in time")
        case Unavailable(reason):
            raise NoCredentials(f"{arn} cannot be assumed: {reason}")
    try:
        found = document["Credentials"]
        keys = Credentials(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])
        expires: datetime = found["Expiration"]
    except KeyError:
        error = document.get("Error", {})
        why = f"{error.get('Code', 'no credentials in the answer')} {error.get('Message', '')}".strip()
        raise NoCredentials(f"{arn} cannot be assumed: {why}") from None
    return Assumed(keys, int(expires.timestamp() * 1000))


def _parsed(response: dict[str, Any], operation: OperationModel) -> dict[str, Any]:
    shape: Any = operation.output_shape
    try:
        return dict(create_parser("query").parse(response, shape))
    except (ResponseParserError, KeyError):  # no XML, or another's
        return {}
