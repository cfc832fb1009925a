from __future__ import annotations

import pytest

from gateway.model.errors import RegistryUnavailable
from gateway.registry.batches import RecordRejected
from gateway.registry.patience import TableClosed, insist


class Table:
    """Fails with each of these errors, then answers."""

    def __init__(self, *errors: RegistryUnavailable) -> None:
        self.errors = list(errors)
        self.asked = 0

    async def __call__(self) -> str:
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


async def test_a_call_that_failed_is_made_again() -> None:
    table = Table(RegistryUnavailable("away"), RegistryUnavailable("away"))
    assert await insist(60.0, table) == "answer"
    assert table.asked == 3


async def test_patience_ends() -> None:
    table = Table(RegistryUnavailable("first"), RegistryUnavailable("second"))
    with pytest.raises(RegistryUnavailable, match="first"):
        await insist(0.0, table)
    assert table.asked == 1


@pytest.mark.parametrize("error", [RecordRejected("never"), TableClosed()])
async def test_what_will_never_succeed_is_not_tried_again(error: RegistryUnavailable) -> None:
    table = Table(error)
    with pytest.raises(type(error)):
        await insist(60.0, table)
    assert table.asked == 1
