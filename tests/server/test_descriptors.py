from __future__ import annotations

import os
import resource

from gateway.server.descriptors import RESERVED, for_clients, is_free
from open_descriptors import no_descriptors_left, room_for


def test_a_node_keeps_some_and_of_few_few() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with room_for(0):
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        assert (for_clients(0), for_clients(1)) == (limit, limit - 1)
        assert for_clients(limit) == limit - limit // 8
    if hard >= 8 * RESERVED:
        resource.setrlimit(resource.RLIMIT_NOFILE, (8 * RESERVED, hard))
        assert for_clients() == 7 * RESERVED
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_the_lowest_free_number_says_whether_there_is_room() -> None:
    lowest = os.dup(0)
    os.close(lowest)
    assert is_free(lowest + 1, 0)
    assert not is_free(lowest, 0)
    with no_descriptors_left():
        assert not is_free(lowest + 1, 0)
