from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable

import pytest

from gateway.model.ids import ConnectionId, NodeNumber, owner_of
from gateway.ports import Ids
from gateway.system.ids import RandomIds

KEY = b"k" * 32
OWNER = NodeNumber(4711)


@pytest.fixture
def ids() -> Ids:
    return RandomIds(KEY)


def test_a_connection_id_carries_its_owner(ids: Ids) -> None:
    made = ids.connection_id(OWNER)
    assert re.fullmatch(r"[\w-]{18}==", made)
    assert owner_of(made, KEY) == OWNER
    assert owner_of(made, b"another key") is None


def test_a_message_id_ends_like_its_connections(ids: Ids) -> None:
    connection = ids.connection_id(OWNER)
    assert re.fullmatch(r"[\w-]{18}==", ids.message_id(connection))


@pytest.mark.parity("P-119")
def test_a_request_id_has_16_characters(ids: Ids) -> None:
    assert re.fullmatch(r"[\w-]{15}=", ids.request_id())


def test_a_uuid_is_random(ids: Ids) -> None:
    made = [ids.uuid() for _ in range(50)]
    assert {(uuid.UUID(text).version, uuid.UUID(text).variant) for text in made} == {(4, uuid.RFC_4122)}
    assert [str(uuid.UUID(text)) for text in made] == made


@pytest.mark.parity("P-116")
def test_a_trace_id_is_x_rays(ids: Ids) -> None:
    before = int(time.time())
    found = re.fullmatch(r"Root=1-([0-9a-f]{8})-([0-9a-f]{24})", ids.trace_id())
    assert found is not None
    assert before <= int(found.group(1), 16) <= int(time.time())


@pytest.mark.parametrize(
    "draw",
    [
        lambda ids: ids.connection_id(OWNER),
        lambda ids: ids.message_id(ConnectionId("hK3nTc7vdQAYKEjVWA==")),
        lambda ids: ids.request_id(),
        lambda ids: ids.uuid(),
        lambda ids: ids.trace_id(),
    ],
)
def test_no_two_are_the_same(ids: Ids, draw: Callable[[Ids], str]) -> None:
    assert len({draw(ids) for _ in range(200)}) == 200
