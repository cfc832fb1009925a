from __future__ import annotations

import pytest

from gateway.template.pure_functions import PURE_FUNCTIONS
from gateway.template.unresolvable import Unresolvable


@pytest.mark.parametrize(
    ("name", "argument", "value"),
    [
        ("Join", ["-", ["a", 1, True, 1.5]], "a-1-true-1.5"),
        ("Join", ["", []], ""),
        ("Select", [0, ["a", "b"]], "a"),
        ("Select", ["1", ["a", ["b"]]], ["b"]),
        ("Split", [",", "a,,b"], ["a", "", "b"]),
        ("Base64", "hello", "aGVsbG8="),
        ("Cidr", ["10.0.0.0/16", 2], ["10.0.0.0/24", "10.0.1.0/24"]),
        ("Cidr", ["10.0.0.0/16", "1", "4"], ["10.0.0.0/28"]),
        ("Cidr", ["2001:db8::/56", 1, 64], ["2001:db8::/64"]),
        ("GetAZs", "", ["eu-west-1a", "eu-west-1b", "eu-west-1c"]),
        ("GetAZs", "us-east-1", ["us-east-1a", "us-east-1b", "us-east-1c"]),
        ("Length", ["a", "b"], 2),
        ("ToJsonString", {"a": [1, None]}, '{"a":[1,null]}'),
    ],
)
def test_values(name: str, argument: object, value: object) -> None:
    assert PURE_FUNCTIONS[f"Fn::{name}"](argument, "eu-west-1") == value


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("Join", "text"),
        ("Join", [","]),
        ("Join", [[], ["a"]]),
        ("Join", [",", "text"]),
        ("Join", [",", [{"a": "b"}]]),
        ("Join", [",", [None]]),
        ("Select", ["x", ["a"]]),
        ("Select", [-1, ["a"]]),
        ("Select", [1, ["a"]]),
        ("Select", [0, "a"]),
        ("Select", ["9" * 5000, ["a"]]),
        ("Split", ["", "a"]),
        ("Split", [",", ["a"]]),
        ("Base64", {"a": "b"}),
        ("Cidr", ["nonsense", 1]),
        ("Cidr", ["10.0.0.0/16", 0]),
        ("Cidr", ["10.0.0.0/16", 257, 4]),
        ("Cidr", ["10.0.0.0/24", 2, 8]),
        ("Cidr", ["10.0.0.0/24", "9" * 5000]),
        ("GetAZs", ["a"]),
        ("Length", "text"),
    ],
)
def test_refusals(name: str, argument: object) -> None:
    with pytest.raises(Unresolvable):
        PURE_FUNCTIONS[f"Fn::{name}"](argument, "eu-west-1")
