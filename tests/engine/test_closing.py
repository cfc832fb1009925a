"""Which codes and reasons a caller may close with."""

from __future__ import annotations

import pytest

from gateway.engine.closing import read_close

NORMALLY = (1000, "Connection Closed Normally")
NO_CODE = "code is none that a server may close with: 1000 to 1003, 1007 to 1009, 1011 to 1014, 3000 to 4999 are"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", NORMALLY),
        ("X-Amz-Signature=00", NORMALLY),
        ("barcode=7", NORMALLY),
        ("code=4001", (4001, "")),
        ("code=4001&reason=kicked%20out", (4001, "kicked out")),
        ("reason=enough", (1000, "enough")),
        ("code=1000&reason=", (1000, "")),
        ("code=4001&code=4002", (4002, "")),
        (f"reason={'%C3%BC' * 61}", (1000, "ü" * 61)),
        (f"reason={'%C3%BC' * 62}", "reason is longer than 123 bytes"),
        *((f"code={code}", (code, "")) for code in (1001, 1003, 1007, 1009, 1011, 1014, 3000, 4999)),
        *((f"code={code}", NO_CODE) for code in ("", "x", "0", "999", "1004", "1005", "1006", "1010", "1015", "5000")),
        ("code=%D9%A4001", NO_CODE),
        ("code=04001", NO_CODE),
    ],
)
def test_what_a_call_closes_with(query: str, found: tuple[int, str] | str) -> None:
    assert read_close(query) == found
