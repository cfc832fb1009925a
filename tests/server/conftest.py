"""The front doors that a test is run against: what holds of one shell must hold of the other."""

from __future__ import annotations

from functools import partial

import pytest

import server_fakes
from server_fakes import Serving


@pytest.fixture(params=["parked", "transport"])
def serving(request: pytest.FixtureRequest) -> Serving:
    """A plain door, by both shells."""
    return partial(server_fakes.serving, parks=request.param == "parked")


@pytest.fixture(params=["parked", "transport", "tls"])
def serving_any(request: pytest.FixtureRequest) -> Serving:
    """A door, plain by both shells and with TLS."""
    return partial(server_fakes.serving, parks=request.param == "parked", tls=request.param == "tls")
