"""Where the contract suites of the registry run: in memory, at moto, and at a DynamoDB somebody names.

``DYNAMODB_TEST_URL`` is the endpoint of the third: of DynamoDB local or another emulator, which get dummy keys and
``DYNAMODB_TEST_REGION`` (eu-central-1), or AWS's own of a region, which gets what the SDK finds. Every test makes a
table there and removes it afterwards.
"""

from __future__ import annotations

import os
from urllib.parse import urlsplit

import pytest

from gateway.model.aws import DUMMY_CREDENTIALS, AwsEndpoint
from gateway.registry.table import Table
from gateway.registry.table_settings import TableSettings
from tables import fresh_table

MEMORY = "memory"
PLACES = (MEMORY, "moto", "dynamodb")
PAGE = 10
REGION = "eu-central-1"
_VARIABLE = "DYNAMODB_TEST_URL"


class Place:
    """One table of one test; ``endpoint`` is None in memory, where nothing has to be made."""

    def __init__(self, endpoint: AwsEndpoint | None) -> None:
        self.endpoint = endpoint
        self.settings = TableSettings(fresh_table(), page_size=PAGE)

    @classmethod
    def of(cls, request: pytest.FixtureRequest) -> Place:
        """The place that a fixture's parameter names, with its table made. Skips where nobody names an endpoint."""
        if request.param == MEMORY:
            return cls(None)
        if request.param == "moto":
            return cls.made(AwsEndpoint(request.getfixturevalue("moto_url"), REGION))
        return cls.made(_named())

    @classmethod
    def made(cls, endpoint: AwsEndpoint) -> Place:
        """A place at ``endpoint``, with its table made."""
        place = cls(endpoint)
        place.open().ensure()
        return place

    def open(self) -> Table:
        """The table itself, to look at what is in it."""
        return Table(self.required, self.settings, 1)

    @property
    def required(self) -> AwsEndpoint:
        assert self.endpoint is not None
        return self.endpoint

    def remove(self) -> None:
        """Remove the table; moto's go with moto."""
        if self.endpoint is not None and self.endpoint.url == os.environ.get(_VARIABLE):
            table = Table(self.endpoint, self.settings, 1)
            table.ask(lambda dynamodb: dynamodb.delete_table(self.settings.name))
            table.close()


def _named() -> AwsEndpoint:
    url = os.environ.get(_VARIABLE)
    if not url:
        pytest.skip(f"{_VARIABLE} names no DynamoDB")
    host = urlsplit(url).hostname or ""
    if host.endswith(".amazonaws.com"):
        return AwsEndpoint(url, host.split(".")[1], credentials=None)
    return AwsEndpoint(url, os.environ.get("DYNAMODB_TEST_REGION", REGION), DUMMY_CREDENTIALS)
