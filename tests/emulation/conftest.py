"""One embedded AWS for all tests of this room in a process; name your resources apart."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from served_aws import Served, served_aws


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served_aws(tmp_path_factory.mktemp("tls")) as served:
        yield served
