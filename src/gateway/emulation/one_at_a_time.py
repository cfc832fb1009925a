"""Requests of one service one after the other: moto checks a condition and writes in two steps.

With a thread for each request, two conditional writes of one DynamoDB item could both find their condition true. No
request of DynamoDB waits for anything, and moto's threads share one interpreter, so this costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import Lock
from typing import Any

_Environ = dict[str, Any]
_Application = Callable[[_Environ, Callable[..., Any]], Iterable[bytes]]


class OneAtATime:
    """A WSGI application around another; the inner one's answer is complete before the next request begins."""

    def __init__(self, application: _Application) -> None:
        self._application = application
        self._lock = Lock()

    def __call__(self, environ: _Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        with self._lock:
            return list(self._application(environ, start_response))
