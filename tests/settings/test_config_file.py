from __future__ import annotations

from pathlib import Path

import pytest

from gateway.model.errors import UserError
from gateway.settings.config_file import MAX_BYTES, ConfigFile, read_config


def written(folder: Path, text: str | bytes, name: str = "wsfleet.toml") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_the_default_file_may_be_missing(tmp_path: Path) -> None:
    assert read_config(None, tmp_path) == ConfigFile()


def test_the_default_file_is_used(tmp_path: Path) -> None:
    path = written(tmp_path, "\ufeffport = 1\r\n")
    found = read_config(None, tmp_path)
    assert (found.path, found.values, found.folder) == (path, {"port": 1}, tmp_path)


def test_a_named_file_goes_before_it(tmp_path: Path) -> None:
    written(tmp_path, "port = 1")
    other = written(tmp_path, "port = 2", "other.toml")
    assert read_config(other, tmp_path).values == {"port": 2}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("port = 1", 1),
        ("# port = 0\n\n  port= 1", 3),
        ("ports = 1\n'port' = 2", 2),
        ('"port" = 2', 1),
        ("a = 1\n[port]\nA = 2", 2),
        ("a = 1\n[ port ]\n", 2),
        ("port.a = 1", 1),
        ("x = 'port'", None),
    ],
)
def test_where_a_key_is_set(text: str, line: int | None) -> None:
    assert ConfigFile(text=text).line_of("port") == line


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a = 1\nb = \n", r":2: the TOML is broken: Invalid value$"),
        (b"a = '\xff'", "is not UTF-8 text"),
        (b"#" * (MAX_BYTES + 1), "is larger than 1 MiB"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, content: str | bytes, said: str) -> None:
    written(tmp_path, content)
    with pytest.raises(UserError, match=said) as raised:
        read_config(None, tmp_path)
    assert raised.value.message.startswith(str(tmp_path / "wsfleet.toml"))


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nope\.toml does not exist"):
        read_config(tmp_path / "nope.toml", tmp_path)
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        read_config(tmp_path, tmp_path)
