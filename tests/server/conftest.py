"""The front doors that a test is run against: what holds of one shell must hold of the other."""

from __future__ import annotations

from functools import partial

import pytest

import server_fakes
from server_fakes import Serving


@pytest.fixture(params=["parked", "transport", "parked tls"])
def serving(request: pytest.FixtureRequest) -> Serving:
    """A door: plain by both shells, and with TLS by the one that has a carrier of its own for it."""
    return _by(request.param)


@pytest.fixture(params=["parked", "transport", "parked tls", "transport tls"])
def serving_any(request: pytest.FixtureRequest) -> Serving:
    """A door, plain and with TLS by both shells."""
    return _by(request.param)


def _by(shell: str) -> Serving:
    return partial(server_fakes.serving, parks="parked" in shell, tls="tls" in shell)
