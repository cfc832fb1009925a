from __future__ import annotations

import pytest

from gateway.report.times import age, iso_ms, iso_s


def test_moments() -> None:
    assert iso_ms(1_790_328_005_217) == "2026-09-25T09:20:05.217Z"
    assert iso_ms(7) == "1970-01-01T00:00:00.007Z"
    assert iso_s(1_790_328_005_999) == "2026-09-25T09:20:05Z"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0s"),
        (0, "0s"),
        (0.999, "0s"),
        (59, "59s"),
        (60, "1m0s"),
        (192, "3m12s"),
        (3_599, "59m59s"),
        (7_260, "2h1m"),
        (86_400, "1d0h"),
        (2 * 86_400 + 4 * 3_600 + 59, "2d4h"),
    ],
)
def test_ages(seconds: float, text: str) -> None:
    assert age(int(seconds * 1000)) == text
