from __future__ import annotations

import pytest

from functions_of_laptop import function
from gateway.invoke.launch import LaunchError
from gateway.invoke.runtimes import Family, Runtime, runtime_of


@pytest.mark.parametrize(
    ("name", "family", "version"),
    [
        ("python3.8", Family.PYTHON, 8),
        ("python3.14", Family.PYTHON, 14),
        ("nodejs8.10", Family.NODE, 8),
        ("nodejs24.x", Family.NODE, 24),
        ("provided", Family.PROVIDED, 0),
        ("provided.al2", Family.PROVIDED, 0),
        ("provided.al2023", Family.PROVIDED, 0),
    ],
)
def test_runtimes_are_read(name: str, family: Family, version: int) -> None:
    assert runtime_of(function(runtime=name)) == Runtime(name, family, version)


@pytest.mark.parametrize("name", ["java21", "dotnet8", "ruby3.3", "go1.x", "python2.7", "python3", "nodejs", ""])
def test_other_runtimes_are_refused_by_name(name: str) -> None:
    with pytest.raises(LaunchError) as caught:
        runtime_of(function(runtime=name))
    assert caught.value.message == f"function Chat: the runtime {name or '(none)'} is not supported"
    assert "python3.x, nodejsN.x, provided" in caught.value.hint
