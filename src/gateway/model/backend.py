"""What an integration asks of its backend, as a value per kind of backend; ports carry them out."""

from __future__ import annotations

from gateway.model.hot_value import hot_value
from gateway.model.integration import LambdaTarget, ServiceTarget

Pairs = tuple[tuple[str, str], ...]


@hot_value
class LambdaRequest:
    """A function's call with a JSON payload; ``is_event`` when nobody waits for its result (Lambda's ``Event``)."""

    target: LambdaTarget
    payload: bytes
    is_event: bool = False

    def __str__(self) -> str:
        return self.target.function_name


@hot_value
class UpstreamRequest:
    """A request to a web server; ``headers`` hold no framing; ``server_name`` is what its certificate must name, None
    for the URL's host."""

    method: str
    url: str
    headers: Pairs = ()
    body: bytes = b""
    server_name: str | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.url.partition('?')[0]}"


@hot_value
class ServiceRequest:
    """A request to an AWS service, to be signed. ``query`` is decoded; ``body`` is what the mapping made."""

    target: ServiceTarget
    method: str
    headers: Pairs = ()
    query: Pairs = ()
    body: bytes = b""
    credentials_arn: str | None = None

    def __str__(self) -> str:
        return f"{self.target.service}:{self.target.action or self.target.path}"


@hot_value
class MockRequest:
    """No backend: the status that the request template chose."""

    status: int

    def __str__(self) -> str:
        return "MOCK"


BackendRequest = LambdaRequest | UpstreamRequest | ServiceRequest | MockRequest
