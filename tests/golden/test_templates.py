"""Every template under ``inputs`` gives exactly the text under ``outputs``; one called ``error_*`` must be refused.

To rewrite the outputs after a change that is meant, and then read the difference:
``REWRITE_GOLDENS=1 .venv/bin/pytest tests/golden``.
"""

from __future__ import annotations

import os

import pytest

from golden_templates import INPUTS, OUTPUTS, expected, outcome

NAMES = sorted(path.name for path in INPUTS.iterdir())


@pytest.mark.parametrize("name", NAMES)
def test_template(name: str) -> None:
    text = outcome(name)
    if os.environ.get("REWRITE_GOLDENS"):
        expected(name).write_text(text, encoding="utf-8")
    assert text == expected(name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_the_name_says_whether_it_is_refused(name: str) -> None:
    assert outcome(name).startswith("{") != name.startswith("error_")


def test_no_output_is_left_over() -> None:
    assert {path.name for path in OUTPUTS.iterdir()} == {expected(name).name for name in NAMES}
