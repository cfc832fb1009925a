"""An exception in one line, for whoever watches: what it was, and where it came up.

Errors raised on purpose speak for themselves; for all others the kind and the place are what a report needs.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import Final

from gateway.model.errors import GatewayError, UserError

MAX_CHARS: Final = 500
_PACKAGE: Final = "gateway"


def one_line(error: BaseException) -> str:
    """``KeyError: 'x' (gateway/node.py:120)``; of a group every member, of ours only the message and the hint."""
    return "; ".join(dict.fromkeys(map(_described, _leaves(error))))


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for member in error.exceptions for leaf in _leaves(member)]
    return [error]


def _described(error: BaseException) -> str:
    text = " ".join(str(error).split())
    text = text if len(text) <= MAX_CHARS else text[:MAX_CHARS] + "…"
    if isinstance(error, UserError) and error.hint:
        return f"{text} ({error.hint})"
    if isinstance(error, GatewayError) and text:
        return text
    return (f"{type(error).__name__}: {text}" if text else type(error).__name__) + _place(error)


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    parts = PurePath(trace.tb_frame.f_code.co_filename).parts
    start = len(parts) - 1 - parts[::-1].index(_PACKAGE) if _PACKAGE in parts else -2
    return f" ({'/'.join(parts[start:])}:{trace.tb_lineno})"
