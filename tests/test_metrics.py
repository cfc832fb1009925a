from __future__ import annotations

import re

import pytest

from gateway.counters import Counters, Limit
from gateway.metrics import Metrics
from gateway.model.http import HttpRequest

# The exposition format 0.0.4, as far as it is used.
SAMPLE = re.compile(r'([a-z_]+)(?:\{([a-z_]+)="([^"\\\n]*)"\})? (\d+)')


def asked(path: str = "/metrics", method: str = "GET", token: str | None = None) -> HttpRequest:
    headers = () if token is None else (("Authorization", token),)
    return HttpRequest(method, path, "", headers, b"", "127.0.0.1", "localhost")


def samples(text: str) -> dict[tuple[str, str], int]:
    """By name and label's value; every family must be explained before its first sample."""
    found: dict[tuple[str, str], int] = {}
    explained: dict[str, set[str]] = {}
    for line in text.splitlines():
        if line.startswith("# "):
            kind, name, _ = line[2:].split(" ", 2)
            explained.setdefault(name, set()).add(kind)
        else:
            sample = SAMPLE.fullmatch(line)
            assert sample is not None, line
            assert explained[sample[1]] == {"HELP", "TYPE"}
            assert (sample[1], sample[3] or "") not in found
            found[sample[1], sample[3] or ""] = int(sample[4])
    return found


async def test_everything_counted_is_shown() -> None:
    counters = Counters()
    counters.sockets, counters.paused, counters.accepts, counters.accept_pauses = 1, 2, 3, 4
    counters.opened, counters.messages, counters.posts, counters.invocations = 5, 6, 7, 8
    counters.refuse(429)
    counters.exceed(Limit.ORIGIN)
    answer = await Metrics(counters, lambda: 9).handle(asked())
    assert answer.status == 200
    assert dict(answer.headers)["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.body.endswith(b"\n")
    found = samples(answer.body.decode())
    plain = {name: value for (name, label), value in found.items() if not label}
    assert plain == {
        "wsfleet_connections": 9,
        "wsfleet_sockets": 1,
        "wsfleet_paused": 2,
        "wsfleet_accepts_total": 3,
        "wsfleet_accept_pauses_total": 4,
        "wsfleet_opened_total": 5,
        "wsfleet_messages_total": 6,
        "wsfleet_posts_total": 7,
        "wsfleet_invocations_total": 8,
    }
    assert found["wsfleet_refused_handshakes_total", "429"] == 1
    assert {label: value for (name, label), value in found.items() if name == "wsfleet_limit_exceeded_total"} == {
        limit.label: int(limit is Limit.ORIGIN) for limit in Limit
    }


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ("Bearer secret", 200),
        ("bearer secret", 200),
        ("Bearer secre", 401),
        ("Basic secret", 401),
        ("secret", 401),
        ("Bearer sécret", 401),
        (None, 401),
    ],
)
async def test_only_who_bears_the_token_may_know(given: str | None, status: int) -> None:
    answer = await Metrics(Counters(), lambda: 0, "secret").handle(asked(token=given))
    assert answer.status == status
    assert bool(answer.body) is (status == 200)


@pytest.mark.parametrize(("path", "method"), [("/", "GET"), ("/metrics/", "GET"), ("/metrics", "POST")])
async def test_there_is_nothing_else(path: str, method: str) -> None:
    metrics = Metrics(Counters(), lambda: 0)
    assert (await metrics.handle(asked(path, method))).status == 404
    assert metrics.too_large(asked()).status == 413
