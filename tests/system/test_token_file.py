from __future__ import annotations

from pathlib import Path

import pytest

from gateway.model.errors import UserError
from gateway.system.token_file import read_token


def test_a_token_is_what_the_file_holds(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(" abc-123\n")
    path.chmod(0o600)
    assert read_token(path) == "abc-123"
    assert read_token(None) is None


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff", b"one\ntwo\n"])
def test_a_file_without_a_token_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "token"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(UserError, match="the token in"):
        read_token(path)


def test_a_token_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("abc-123\n")
    path.chmod(0o644)
    with pytest.raises(UserError, match="can be read by other users"):
        read_token(path)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No such file"):
        read_token(tmp_path / "none")
