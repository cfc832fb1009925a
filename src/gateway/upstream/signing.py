"""SigV4 by the SDK's own signer: a draft, where it goes and whose keys it carries become one request."""

from __future__ import annotations

from typing import Final

from botocore import credentials as sdk
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest

from gateway.model.aws import Credentials
from gateway.model.backend import UpstreamRequest
from gateway.upstream.draft import Draft, without
from gateway.upstream.outgoing import checked_headers, checked_method

# The signer's own, and the host: where a request goes is not for a mapping to say.
_NOT_MAPPED: Final = ("authorization", "host", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token")


def signed(draft: Draft, origin: str, keys: Credentials, service: str, region: str) -> UpstreamRequest:
    """``origin`` is scheme and host, and the path before the draft's. Raises ValueError for what cannot be sent."""
    headers = without(tuple(checked_headers(draft.headers)), *_NOT_MAPPED)
    url = f"{origin}{draft.path}" + (f"?{draft.query}" if draft.query else "")
    request = AWSRequest(method=checked_method(draft.method), url=url, data=draft.body)
    for name, value in headers:
        request.headers[name] = value  # adds: it is a message's header list
    auth = S3SigV4Auth if service == "s3" else SigV4Auth  # S3 counts paths as they are, all others once more escaped
    frozen = sdk.Credentials(keys.access_key_id, keys.secret_access_key, keys.session_token)
    auth(frozen, service, region).add_auth(request)
    return UpstreamRequest(draft.method, url, tuple(request.headers.items()), draft.body)
