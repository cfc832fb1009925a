from __future__ import annotations

from gateway.registry.parked_records import KEEP_S, item_of, parked_of
from registry_models import ParkedRecord
from tables import connection, parked


def test_it_lies_with_the_failures_and_outlives_what_the_fleet_looks_after() -> None:
    item = item_of(parked(1, parked_at_ms=5_999))
    assert item["pk"] == {"S": "FAILED"}
    assert item["sk"] == {"S": f"CONN#{connection(1).connection_id}"}
    assert item["type"] == {"S": "Parked"}
    assert item["owner"] == {"N": "7"}
    assert item["ttl"] == {"N": str(5 + KEEP_S)}


def test_an_item_is_what_pynamodb_would_write_and_is_read_as_it_was() -> None:
    item = item_of(parked(1))
    assert item == ParkedRecord.of(parked(1), KEEP_S).serialize()
    assert parked_of(item) == parked(1)


def test_attributes_of_a_newer_gateway_are_ignored() -> None:
    assert parked_of(item_of(parked(1)) | {"invented": {"S": "later"}}) == parked(1)
