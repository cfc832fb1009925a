"""Values that came from outside, made fit for one line: a header of the Runtime API or a line of a frame."""

from __future__ import annotations

import json


def one_line(text: str) -> str:
    """A value must not start a header or a line of its own."""
    return text if text.isprintable() else text.replace("\r", " ").replace("\n", " ")


def ascii_json(text: str) -> str:
    """The same JSON without line breaks and non-ASCII characters, which runtimes decode in different ways."""
    try:
        return json.dumps(json.loads(text))
    except ValueError:
        return one_line(text)
