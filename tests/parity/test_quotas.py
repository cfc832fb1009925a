"""AWS's numbers stand in ``model/limits.py`` and nowhere else in the gateway."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from gateway.model import limits

PACKAGE = Path(limits.__file__).parents[1]
# Numbers that could be nothing but the quota; 500 or 5,000 mean too many other things to look for.
QUOTAS: Final = {
    limits.MAX_FRAME_BYTES: "bytes of a frame",
    limits.MAX_MESSAGE_BYTES: "bytes of a message",
    limits.IDLE_TIMEOUT_MS: "ms of idleness",
    limits.IDLE_TIMEOUT_MS // 1000: "s of idleness",
    limits.CONNECTION_DURATION_MS: "ms of a connection",
    limits.CONNECTION_DURATION_MS // 1000: "s of a connection",
    limits.MAX_INTEGRATION_TIMEOUT_MS: "ms of an integration",
    limits.MAX_INTEGRATION_TIMEOUT_MS // 1000: "s of an integration",
    limits.MAX_LAMBDA_RESPONSE_BYTES: "bytes of a function's answer",
    limits.MAX_AUTHORIZER_RESULT_BYTES: "bytes of an authorizer's answer",
    limits.MAX_HEADER_BYTES: "bytes of headers",
    limits.MAX_TEMPLATE_BYTES: "bytes of a mapping template",
    limits.MAX_PRESIGNED_EXPIRES_S: "s of a presigned URL",
}
# The same number about something else.
COINCIDENCES: Final = {
    ("processes/guardian.py", limits.MAX_AUTHORIZER_RESULT_BYTES): "a right of Landlock's",
    ("system/open_files.py", limits.MAX_HEADER_BYTES): "file descriptors",
    ("template/event_sources.py", limits.MAX_PRESIGNED_EXPIRES_S): "seconds a stream's record is kept at most",
    ("template/functions/function.py", limits.MAX_HEADER_BYTES): "MiB of a function's memory",
}
OPERATORS: Final[dict[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Mult: operator.mul,
    ast.LShift: operator.lshift,
}


def value_of(node: ast.AST) -> int | float | None:
    """The number that a literal, or a product, sum or shift of literals, stands for."""
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return node.value  # type: ignore[return-value]
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        left, right = value_of(node.left), value_of(node.right)
        if left is not None and right is not None:
            return OPERATORS[type(node.op)](left, right)  # type: ignore[no-any-return]
    return None


def numbers(source: str) -> Iterator[tuple[int, int | float]]:
    """Line and value of every outermost number; ``8 * 1024 * 1024`` is one, not two."""
    pending: list[ast.AST] = [ast.parse(source)]
    while pending:
        node = pending.pop()
        value = value_of(node)
        if value is not None:
            yield node.lineno, value  # type: ignore[attr-defined]
        else:
            pending += ast.iter_child_nodes(node)


def stated() -> dict[tuple[str, int | float], int]:
    """Every place outside the limits that states a quota, with a line."""
    found: dict[tuple[str, int | float], int] = {}
    for path in PACKAGE.rglob("*.py"):
        name = path.relative_to(PACKAGE).as_posix()
        if name != "model/limits.py":
            source = path.read_text(encoding="utf-8")
            found |= {(name, value): line for line, value in numbers(source) if value in QUOTAS}
    return found


@pytest.mark.parity("P-406")
def test_no_other_module_states_a_quota() -> None:
    places = {
        f"{name}:{line}: {QUOTAS[int(value)]}"
        for (name, value), line in stated().items()
        if (name, value) not in COINCIDENCES
    }
    assert places == set()


def test_every_coincidence_is_still_there() -> None:
    assert COINCIDENCES.keys() <= stated().keys()


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("a = 32_768", [32_768]),
        ("a = 32 * 1024", [32_768]),
        ("f(x, 1 << 15)", [32_768]),
        ("a = 8 * 1024 * 1024", [2**23]),
    ],
)
def test_numbers_are_found_however_they_are_written(source: str, found: list[int]) -> None:
    assert [value for _, value in numbers(source)] == found
