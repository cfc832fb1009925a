"""What tests of handlers in real processes share."""

from __future__ import annotations

import pytest

from gateway.invoke.launch import RuntimeClient


@pytest.fixture(params=RuntimeClient, ids=lambda client: str(client.value))
def client(request: pytest.FixtureRequest) -> RuntimeClient:
    """What holds of a handler holds by the Runtime API, with AWS's client as the judge, and by the channel."""
    client: RuntimeClient = request.param
    return client
