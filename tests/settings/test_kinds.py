from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.networks import NOBODY, read_networks
from gateway.settings.kinds import (
    AccountId,
    Callers,
    Cidrs,
    HostPort,
    Kind,
    Location,
    Number,
    NumberOrZero,
    OneOf,
    OriginPatterns,
    Pairs,
    Place,
    Region,
    Switch,
    Url,
    Whole,
    Word,
)

CODES = OneOf((1012, 1001))
ODD: tuple[object, ...] = (None, [], {}, 1.5, b"x")
CALLERS = ("123456789012", "arn:aws:iam::123456789012:role/a*")
PLAIN = (Word(), Whole(0, 9), Number(0, 9), CODES, Switch(), Location(), Url(), Region(), Place(), Pairs())
KINDS = (*PLAIN, Cidrs(), Callers(), OriginPatterns())


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        (Word(), "a b", "a b"),
        (Whole(0, 9), "7", 7),
        (Whole(0, 9), 9, 9),
        (Whole(-3, 9), "-3", -3),
        (NumberOrZero(1, 9), "0", 0.0),
        (NumberOrZero(1, 9), 1, 1.0),
        (Number(0, 9), "7", 7.0),
        (Number(0, 9), "0.5", 0.5),
        (Number(0, 9), 9, 9.0),
        (CODES, "1001", 1001),
        (CODES, 1012, 1012),
        (OneOf(("json", "text")), "text", "text"),
        (Switch(), True, True),
        (Switch(), "Yes", True),
        (Switch(), "0", False),
        (Switch(), "off", False),
        (Location(), "a/../b", Path("a/../b")),
        (Location(), Path("-"), Path("-")),
        (Url(), "https://example.org:8443/x/", "https://example.org:8443/x"),
        (Url(or_aws=True), "aws", "aws"),
        (Url(or_aws=True), "http://localhost", "http://localhost"),
        (Region(), "mx-central-1", "mx-central-1"),
        (AccountId(), "000000000001", "000000000001"),
        (AccountId(), 123456789012, "123456789012"),
        (Callers(), "123456789012 arn:aws:iam::123456789012:role/a*", CALLERS),
        (Callers(), list(CALLERS), CALLERS),
        (Callers(), [], ()),
        (Callers(), "", ()),
        (Place(), "node-1.internal:7000", HostPort("node-1.internal", 7000)),
        (Place(), "[fd00::1]:7000", HostPort("fd00::1", 7000)),
        (Pairs(), "A=1 B=2", {"A": "1", "B": "2"}),
        (Pairs(), ("A=1", "B=2 A=3"), {"A": "3", "B": "2"}),
        (Pairs(), {"A": "x", "N": 1, "F": 1.5, "T": True, "U": False}, {"A": "x", "N": "1", "F": "1.5", "T": "true",
                                                                     "U": "false"}),
        (Pairs(), {}, {}),
        (Cidrs(), "10.0.0.0/8, 2001:db8::/32 192.0.2.7", read_networks(["10.0.0.0/8", "2001:db8::/32", "192.0.2.7"])),
        (Cidrs(), ["10.0.0.0/8"], read_networks(["10.0.0.0/8"])),
        (Cidrs(), "", NOBODY),
        (OriginPatterns(), "https://A.org, *.b.org", ("https://a.org", "*.b.org")),
        (OriginPatterns(), ["https://a.org", "b.org"], ("https://a.org", "b.org")),
        (OriginPatterns(), "", ()),
    ],
)  # fmt: skip
def test_values_are_read_and_what_is_written_is_read_again(kind: Kind, raw: object, value: object) -> None:
    found = kind.read(raw)
    assert (found, type(found)) == (value, type(value)) or isinstance(value, Path)
    assert found == value
    assert kind.read(json.loads(json.dumps(kind.written(found)))) == value


@pytest.mark.parametrize(
    ("kind", "raw", "said"),
    [
        (Word(), " ", "' ' is no text"),
        (Word(), 7, "7 is no text"),
        (Whole(0, 9), "10", "'10' is no whole number from 0 to 9"),
        (Whole(0, 9), -1, "no whole number from 0 to 9"),
        (Whole(0, 9), "x", "no whole number"),
        (Whole(0, 9), 1.0, "no whole number"),
        (Whole(0, 9), True, "no whole number"),
        (Number(1, 1e6), "0.5", "'0.5' is no number from 1 to 1000000"),
        (NumberOrZero(1, 9), "0.5", "'0.5' is neither 0 nor a number from 1 to 9"),
        (NumberOrZero(1, 9), "10", "'10' is no number from 0 to 9"),
        (Number(0, 9), "nan", "no number"),
        (Number(0, 9), "inf", "no number"),
        (Number(0, 9), True, "no number"),
        (Number(0, 9), 10**309, "no number"),
        (CODES, "1000", "'1000' is none of 1012, 1001"),
        (OneOf((1, 2)), True, "True is none of 1, 2"),
        (Switch(), "maybe", "'maybe' is neither true nor false"),
        (Switch(), 1, "neither true nor false"),
        (Location(), "", "'' is no path"),
        (Location(), "a\0b", "is no path"),
        (Url(), "localhost:4566", "'localhost:4566' is no http:// or https:// URL"),
        (Url(), "aws", "no http:// or https:// URL"),
        (Url(), "http://[::1", "no http:// or https:// URL"),
        (Url(or_aws=True), "AWS", "no http:// or https:// URL"),
        (Region(), "Frankfurt", "'Frankfurt' is no AWS region"),
        (AccountId(), "12345", "'12345' is no account"),
        (AccountId(), 1, "1 is no account"),
        (Callers(), "12345", "'12345' is neither 12 digits, in quotes, nor an ARN of IAM that names its account"),
        (Callers(), ["arn:aws:iam::*:role/a"], "nor an ARN of IAM that names its account"),
        (Callers(), ["arn:aws:iam::123456789012:role/a b"], "nor an ARN of IAM that names its account"),
        (Callers(), [123456789012], "123456789012 is neither 12 digits, in quotes"),
        (Callers(), 123456789012, "123456789012 is no list of accounts and ARNs"),
        (Place(), "7000", "'7000' is not HOST:PORT"),
        (Place(), ":7000", "is not HOST:PORT"),
        (Place(), "host:", "is not HOST:PORT"),
        (Place(), "host:seven", "is not HOST:PORT"),
        (Place(), "host:\u0667", "is not HOST:PORT"),
        (Place(), "fd00::1:7000", "is not HOST:PORT"),
        (Place(), "[host]:7000", "is not HOST:PORT"),
        (Place(), "host:0", "names no port from 1 to 65535"),
        (Place(), "host:65536", "names no port from 1 to 65535"),
        (Pairs(), "A", "'A' is not K=V"),
        (OriginPatterns(), "https://a.org/x", "'https://a.org/x' is no origin"),
        (OriginPatterns(), [7], "7 is no text"),
        (Pairs(), 7, "7 is not K=V"),
        (Pairs(), {"A": [1]}, "A: [1] is neither text nor number"),
        (Cidrs(), "10.0.0.1/8", "10.0.0.1/8 has host bits set; networks are written as 10.0.0.0/8"),
        (Cidrs(), "balancer.example", "networks are written as 10.0.0.0/8"),
        (Cidrs(), [10], "[10] is no list of networks"),
        (Cidrs(), True, "True is no list of networks"),
    ],
)
def test_what_makes_no_sense_is_told(kind: Kind, raw: object, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        kind.read(raw)


@given(
    st.sampled_from(KINDS),
    st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.sampled_from(ODD)),
)
def test_anything_is_a_value_or_a_complaint(kind: Kind, raw: object) -> None:
    try:
        value = kind.read(raw)
    except ValueError as error:
        assert str(error)
    else:
        assert kind.read(kind.written(value)) == value


def test_further_ports_of_a_place() -> None:
    assert str(HostPort("fd00::1", 7000).after(2)) == "[fd00::1]:7002"
    assert HostPort("h", 65_534).after(1).port == 65_535
    with pytest.raises(ValueError, match="port 65534 and 2 more go beyond 65535"):
        HostPort("h", 65_534).after(2)
