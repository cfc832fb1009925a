from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.model.errors import UserError
from gateway.settings import (
    TEMPLATE_NAMES,
    TO_OUTPUT,
    Directories,
    RunSettings,
    aws_credentials,
    check_environment,
    default_region,
    directories,
    find_template,
    install_environment,
    is_debugging,
    tool_environment,
)

PACKAGE = Path(__file__).parent.parent / "src" / "gateway"
# What runs in processes of its own: in a handler's interpreter, and moto, which is configured by variables.
ELSEWHERE = (
    PACKAGE / "invoke" / "hooks" / "sitecustomize.py",
    PACKAGE / "invoke" / "bootstrap" / "python.py",
    PACKAGE / "emulation" / "server.py",
)
READERS = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}


def environment_reads(tree: ast.AST) -> Iterator[int]:
    """The lines that touch this process's environment by a name of ``os``."""
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module="os", names=names) if any(alias.name in READERS for alias in names):
                yield node.lineno
            case ast.Attribute(value=ast.Name(id="os"), attr=name) if name in READERS:
                yield node.lineno


def test_only_settings_read_the_environment() -> None:
    found = {
        f"{path.relative_to(PACKAGE)}:{line}"
        for path in PACKAGE.rglob("*.py")
        if path.parent != PACKAGE / "settings" and path not in ELSEWHERE
        for line in environment_reads(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert found == set()


def test_the_check_sees_every_way() -> None:
    ways = "import os\nos.environ['A']\nos.getenv('A')\nfrom os import environ\nfrom os import path, getenv\nos.path"
    assert sorted(environment_reads(ast.parse(ways))) == [2, 3, 4, 5]
    assert list(environment_reads(ast.parse((PACKAGE / "settings" / "environment.py").read_text(encoding="utf-8"))))


def test_the_folders_can_be_chosen(tmp_path: Path) -> None:
    found = directories({"WSFLEET_STATE_DIR": f"{tmp_path}/s", "WSFLEET_CACHE_DIR": f"{tmp_path}/c"})
    assert (found.state, found.cache) == (tmp_path / "s", tmp_path / "c")


def test_relative_folders_are_of_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = directories({"WSFLEET_STATE_DIR": "s", "WSFLEET_CACHE_DIR": "../c"})
    assert found.state == tmp_path / "s"
    assert found.cache.is_absolute()


@pytest.mark.parametrize("environ", [{}, {"WSFLEET_STATE_DIR": "", "WSFLEET_CACHE_DIR": ""}])
def test_the_folders_are_the_users_own(environ: dict[str, str]) -> None:
    found = directories(environ)
    assert found.state != found.cache
    for folder in (found.state, found.cache):
        assert folder.is_absolute()
        assert "wsfleet" in folder.parts


@pytest.mark.parametrize(
    ("environ", "region"),
    [
        ({}, "us-east-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-1", "AWS_REGION": "ap-southeast-2"}, "ap-southeast-2"),
        ({"AWS_DEFAULT_REGION": "eu-west-1", "AWS_REGION": ""}, "eu-west-1"),
    ],
)
def test_the_region(environ: dict[str, str], region: str) -> None:
    assert default_region(environ) == region


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({}, None),
        ({"AWS_ACCESS_KEY_ID": "a"}, None),
        ({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": ""}, None),
        ({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}, ("a", "b", None)),
        ({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_SESSION_TOKEN": ""}, ("a", "b", None)),
        ({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_SESSION_TOKEN": "c"}, ("a", "b", "c")),
    ],
)
def test_credentials(environ: dict[str, str], found: tuple[str, str, str | None] | None) -> None:
    assert aws_credentials(environ) == found


def test_tools_get_a_copy() -> None:
    environ = {"PATH": "/bin"}
    copied = tool_environment(environ)
    environ["PATH"] = "/elsewhere"
    assert copied == {"PATH": "/bin"}


def test_what_is_installed_for_a_fleet_sees_neither_settings_nor_keys() -> None:
    environ = {"PATH": "/bin", "PIP_INDEX_URL": "x", "AWS_SECRET_ACCESS_KEY": "s", "WSFLEET_FLEET_KEY_FILE": "k"}
    assert install_environment(environ) == {"PATH": "/bin", "PIP_INDEX_URL": "x"}


def test_without_an_argument_it_is_the_processes_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "sa-east-1")
    monkeypatch.setenv("WSFLEET_DEBUG", "1")
    assert default_region() == "sa-east-1"
    assert is_debugging()
    assert tool_environment()["AWS_REGION"] == "sa-east-1"


@pytest.mark.parametrize("value", ["1", "true", "on", "x"])
def test_debugging(value: str) -> None:
    assert is_debugging({"WSFLEET_DEBUG": value})


@pytest.mark.parametrize("environ", [{}, *({"WSFLEET_DEBUG": value} for value in ("", "0", "false", "No", "OFF"))])
def test_not_debugging(environ: dict[str, str]) -> None:
    assert not is_debugging(environ)


def test_an_unknown_setting_is_told() -> None:
    with pytest.raises(UserError) as raised:
        check_environment({"WSFLEET_STATEDIR": "x", "WSFLEET_B": "", "PATH": "/bin", "WSFLEET_DEBUG": "1"})
    assert raised.value.message == "WSFLEET_B, WSFLEET_STATEDIR: no such setting"
    assert raised.value.hint == "there are WSFLEET_STATE_DIR, WSFLEET_CACHE_DIR, WSFLEET_DEBUG"


def test_known_ones_are_not() -> None:
    known = (
        "WSFLEET_STATE_DIR",
        "WSFLEET_CACHE_DIR",
        "WSFLEET_DEBUG",
        "WSFLEET_HOSTS",
        "_WSFLEET_COMPLETE",
        "HOME",
        "WSFLEET_CONFIG",
        "WSFLEET_LEASE_SECONDS",
        "WSFLEET_NO_AUTH",
    )
    check_environment(dict.fromkeys(known, "x"))


@pytest.mark.parametrize("present", [TEMPLATE_NAMES, TEMPLATE_NAMES[1:], TEMPLATE_NAMES[2:]])
def test_the_template_of_a_folder(tmp_path: Path, present: tuple[str, ...]) -> None:
    for name in present:
        (tmp_path / name).touch()
    assert find_template(tmp_path) == tmp_path / present[0]


def test_a_folder_without_a_template(tmp_path: Path) -> None:
    (tmp_path / "template.yaml").mkdir()
    (tmp_path / "other.yaml").touch()
    assert find_template(tmp_path) is None


@pytest.mark.parametrize(
    ("log_dir", "folder"),
    [
        (None, Path("/state/logs")),
        (Path("/var/log/wsfleet"), Path("/var/log/wsfleet")),
        (Path("logs"), Path("logs").absolute()),
        (TO_OUTPUT, None),
    ],
)
def test_where_logs_of_stages_go(log_dir: Path | None, folder: Path | None) -> None:
    asked = RunSettings(Path("template.yaml"), Directories(Path("/state"), Path("/cache")), log_dir=log_dir)
    assert asked.log_folder == folder
