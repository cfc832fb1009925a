from __future__ import annotations

from pathlib import Path

import pytest

from gateway.model.errors import UserError
from gateway.system.private_file import check_private


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640, 0o440])
def test_a_secret_of_its_user_and_group(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.touch()
    path.chmod(mode)
    check_private(path)


@pytest.mark.parametrize(("mode", "what"), [(0o604, "read"), (0o644, "read"), (0o660, "changed"), (0o602, "changed")])
def test_a_secret_that_is_none(mode: int, what: str, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.touch()
    path.chmod(mode)
    with pytest.raises(UserError, match=f"can be {what} by other users .*mode {mode:04o}") as raised:
        check_private(path)
    assert f"chmod 600 {path}" in raised.value.hint


def test_one_that_is_not_there_yet(tmp_path: Path) -> None:
    check_private(tmp_path / "key")


def test_one_that_cannot_be_looked_at(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be used"):
        check_private(tmp_path / "file" / "key")
