from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.limits import MAX_PROXY_V1_BYTES, MAX_PROXY_V2_BYTES
from gateway.wire.proxy_header import NoProxyHeader, Proxied, ProxyHeader, read_proxy_header
from proxy_headers import SIGNATURE, addition, v2, version_1, version_2

LONGEST_V1 = (
    b"PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"
)
WHOLE = [
    version_1(),
    version_1("2001:db8::7", 80),
    LONGEST_V1,
    b"PROXY UNKNOWN\r\n",
    b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n",
    version_2(),
    version_2("2001:db8::7", 8443),
    version_2(additions=addition(0x04, b"") + addition(0xEA, b"\x01vpce-08d2bf15fac5001c9")),
    v2(0x20, 0x00),
    v2(0x20, 0x11, bytes(12)),
    v2(0x21, 0x00, addition(0x04, b"xx")),
    v2(0x21, 0x31, bytes(216)),
]


@pytest.mark.parametrize(
    ("raw", "proxied"),
    [
        (version_1(), Proxied("198.51.100.7", 443, True)),
        (version_1(port=80), Proxied("198.51.100.7", 80, False)),
        (version_1("2001:DB8:0::7", 0), Proxied("2001:db8::7", 0, False)),
        (version_1("::ffff:198.51.100.7"), Proxied("198.51.100.7", 443, True)),
        (b"PROXY UNKNOWN\r\n", None),
        (b"PROXY UNKNOWN whatever it is\r\n", None),
        (version_2(), Proxied("198.51.100.7", 443, True)),
        (version_2(port=8443), Proxied("198.51.100.7", 8443, False)),
        (version_2("2001:db8::7", 8443), Proxied("2001:db8::7", 8443, False)),
        (version_2("::ffff:198.51.100.7"), Proxied("198.51.100.7", 443, True)),
        (v2(0x20, 0x00), None),
        (v2(0x20, 0xFF), None),  # what a LOCAL says is ignored
        (v2(0x21, 0x00), None),
        (v2(0x21, 0x31, bytes(216)), None),
    ],
)
@pytest.mark.parametrize("behind", [b"", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01"])
def test_what_balancers_say(raw: bytes, proxied: Proxied | None, behind: bytes) -> None:
    assert read_proxy_header(raw + behind) == ProxyHeader(len(raw), proxied)


@pytest.mark.parametrize(
    ("additions", "secure"),
    [
        (addition(0x20, b"\x01" + bytes(4)), True),
        (addition(0x20, b"\x00" + bytes(4)), False),
        (addition(0x03, b"abcd") + addition(0x20, b"\x05" + bytes(4)), True),
        (addition(0x20, b""), False),  # says nothing: the port tells
        (b"\x20\x00\x40\x01", False),  # cut off
        (b"\x20\x00", False),
    ],
)
def test_whether_the_client_spoke_tls_to_its_balancer(additions: bytes, secure: bool) -> None:
    found = read_proxy_header(version_2(port=8443, additions=additions))
    assert isinstance(found, ProxyHeader)
    assert found.proxied == Proxied("198.51.100.7", 8443, secure)


def test_a_balancer_that_says_there_was_no_tls_is_believed_on_any_port() -> None:
    found = read_proxy_header(version_2(port=443, additions=addition(0x20, bytes(5))))
    assert isinstance(found, ProxyHeader)
    assert found.proxied == Proxied("198.51.100.7", 443, False)


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
        b"PROXX",
        b"proxy TCP4",
        b"\r\n\r\nGET",
        b"PROXY TCP4 198.51.100.7 192.0.2.2 56324 443\n",
        b"PROXY TCP4 198.51.100.7 192.0.2.2 56324\r\n",
        b"PROXY TCP4 198.51.100.7 192.0.2.2 56324 443 \r\n",
        b"PROXY TCP4  198.51.100.7 192.0.2.2 56324 443\r\n",
        b"PROXY TCP4 198.51.100.7 192.0.2.2 56324 65536\r\n",
        b"PROXY TCP4 198.51.100.7 192.0.2.2 056324 443\r\n",
        b"PROXY TCP4 198.51.100.07 192.0.2.2 56324 443\r\n",
        b"PROXY TCP4 198.51.100.7 192.0.2.256 56324 443\r\n",
        b"PROXY TCP4 2001:db8::1 2001:db8::2 56324 443\r\n",
        b"PROXY TCP6 198.51.100.7 192.0.2.2 56324 443\r\n",
        b"PROXY UDP4 198.51.100.7 192.0.2.2 56324 443\r\n",
        b"PROXY UNKNOWNS\r\n",
        b"PROXY \r\n",
        b"PROXY UNKNOWN\rx\r\n",
        b"PROXY " + b"x" * (MAX_PROXY_V1_BYTES - 6),
        LONGEST_V1.replace(b" 65535\r", b" 655350\r") + b"x",
        v2(0x11, 0x11, bytes(12)),
        v2(0x22, 0x11, bytes(12)),
        v2(0x31, 0x11, bytes(12)),
        v2(0x21, 0x12, bytes(12)),  # UDP
        v2(0x21, 0x11, bytes(11)),
        v2(0x21, 0x21, bytes(35)),
        v2(0x21, 0x11, bytes(MAX_PROXY_V2_BYTES - 15)),
        v2(0x20, 0x00, bytes(MAX_PROXY_V2_BYTES - 15)),
        SIGNATURE + b"\x21\x11\xff\xff",
    ],
)
def test_what_is_none(raw: bytes) -> None:
    assert isinstance(read_proxy_header(raw), NoProxyHeader)


@pytest.mark.parametrize("raw", [*WHOLE, v2(0x21, 0x11, bytes(MAX_PROXY_V2_BYTES - 16))])
def test_every_beginning_is_one_and_its_whole_is_no_shorter(raw: bytes) -> None:
    assert {read_proxy_header(raw[:size]) for size in range(len(raw))} == {None}
    found = read_proxy_header(raw)
    assert isinstance(found, ProxyHeader)
    assert found.length == len(raw)


def byte_at_a_time(raw: bytes) -> ProxyHeader | NoProxyHeader | None:
    results = (read_proxy_header(raw[:size]) for size in range(len(raw) + 1))
    return next((found for found in results if found is not None), None)


NEARLY = st.tuples(st.sampled_from(WHOLE), st.integers(0, 250), st.binary(max_size=3)).map(
    lambda made: made[0][: made[1]] + made[2] + made[0][made[1] + len(made[2]) :]
)


@given(st.one_of(NEARLY, st.binary(max_size=600), st.binary(max_size=600).map(SIGNATURE.__add__)))
def test_byte_at_a_time_is_all_at_once(raw: bytes) -> None:
    assert byte_at_a_time(raw) == read_proxy_header(raw)


@given(
    st.one_of(
        st.binary(max_size=120).map(b"PROXY ".__add__),
        st.from_regex(rb"PROXY (TCP4|TCP6|UNKNOWN) [0-9a-f:. ]{0,100}\r?\n?.{0,9}", fullmatch=True),
    )
)
def test_byte_at_a_time_is_all_at_once_for_lines_too(raw: bytes) -> None:
    assert byte_at_a_time(raw) == read_proxy_header(raw)


@given(st.ip_addresses(), st.integers(0, 65_535))
def test_both_versions_say_the_same(address: object, port: int) -> None:
    one, two = read_proxy_header(version_1(str(address), port)), read_proxy_header(version_2(str(address), port))
    assert isinstance(one, ProxyHeader)
    assert isinstance(two, ProxyHeader)
    assert one.proxied is not None
    assert one.proxied == two.proxied
