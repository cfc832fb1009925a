"""The rooms and their directions, held by a machine: layers, no I/O in the core, no import cycle."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src"
PACKAGE = SOURCE / "gateway"

LAYERS = {
    1: ("model",),
    2: ("engine", "wire", "expressions", "template", "access", "cluster"),
    3: (
        "ports",
        "counters",
        "first_step",
        "tasks",
        "tenure",
        "sharing",
        "functions_by_place",
        "backends",
        "journal",
        "early_posts",
        "conversation",
        "admission",
        "callers",
        "iams_word",
        "gates",
        "calls",
        "node",
        "slices",
        "crowds",
        "fleet",
        "read_ahead",
        "reaper",
        "reach",
        "departure",
        "health",
        "metrics",
        "management",
        "extensions",
        "lambda_api",
    ),
    4: (
        "aside",
        "server",
        "registry",
        "invoke",
        "processes",
        "emulation",
        "control",
        "tls",
        "report",
        "system",
        "upstream",
        "sources",
        "peers",
        "principals",
    ),
    5: (
        "version",
        "settings",
        "preparing",
        "checking",
        "signals",
        "surprises",
        "stage_logs",
        "reloading",
        "elsewhere",
        "head_start",
        "ground",
        "ready",
        "workers",
        "app",
        "station",
        "exposure",
        "running",
        "entitled",
        "fleet_table",
        "fleet_queries",
        "fleet_actions",
        "fleet_node",
        "public_tls",
        "serve",
        "cli",
        "__main__",
    ),
}
# In these two layers each module stands alone, and may import those named before it.
ORDERED = (3, 5)
LAYER_OF = {room: layer for layer, rooms in LAYERS.items() for room in rooms}

# Siblings that may import each other's public names; everything else goes through a lower layer.
SIBLINGS = {
    ("engine", "expressions"),  # a route is chosen by evaluating the API's selection expression
    ("engine", "access"),  # an authorizer's answer is judged by policy evaluation
    ("template", "engine"),  # a model's schema is judged by what will validate with it
    ("template", "expressions"),  # an expression is checked when the template is loaded
    ("template", "access"),  # and so are identity sources
}

CORE_MUST_NOT_TOUCH = {
    "asyncio", "socket", "ssl", "threading", "subprocess", "multiprocessing", "time", "random", "uuid", "secrets",
    "logging", "boto3", "botocore", "aiohttp", "os", "sys", "signal", "select", "selectors", "tempfile", "shutil",
    "pynamodb", "moto", "httptools", "click", "watchfiles",
}  # fmt: skip
CORE_MUST_NOT_CALL = {"open", "print", "input"}

# A third-party library is imported in the one room named here.
LIBRARY_ROOMS = {
    "aiohttp": {"server", "upstream"},
    "yarl": {"upstream"},
    "httptools": {"server", "invoke", "registry"},
    "pynamodb": {"registry"},
    "moto": {"emulation"},
    "boto3": {"emulation", "registry", "sources"},
    "botocore": {"emulation", "registry", "sources", "upstream"},
    "click": {"cli"},
    "cryptography": {"tls"},
    "certifi": {"tls"},
    "watchfiles": {"control"},
    "samtranslator": {"template"},
    "yaml": {"template"},
    "jsonpath": {"expressions"},
    "airspeed": {"expressions"},
    "regex": {"expressions"},
    "jsonschema": {"engine"},
    "referencing": {"engine"},
    "platformdirs": {"settings"},
}


@cache
def modules() -> dict[str, ast.Module]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")
        found[name] = ast.parse(path.read_text(encoding="utf-8"), str(path))
    return found


def imports(tree: ast.Module) -> Iterator[str]:
    """Every imported name, function-level and type-checking imports included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "gateway" and len(parts) > 1 else None


def target(imported: str) -> str:
    """The module behind ``gateway.a.b.Name``."""
    while imported not in modules() and "." in imported:
        imported = imported.rpartition(".")[0]
    return imported


def test_every_room_has_a_layer() -> None:
    rooms = {room(module) for module in modules()} - {None}
    assert rooms <= set(LAYER_OF), rooms - set(LAYER_OF)


def stands_before(there: str, here: str) -> bool:
    rooms = LAYERS[LAYER_OF[here]]
    return LAYER_OF[here] in ORDERED and there in rooms and rooms.index(there) < rooms.index(here)


@pytest.mark.parametrize("module", sorted(modules()))
def test_imports_point_down(module: str) -> None:
    here = room(module)
    for imported in imports(modules()[module]):
        there = room(imported)
        if there is None or here is None or here == there:
            continue
        allowed = LAYER_OF[there] < LAYER_OF[here] or (here, there) in SIBLINGS or stands_before(there, here)
        assert allowed, f"{module} must not import {imported}"


@pytest.mark.parametrize("module", sorted(m for m in modules() if LAYER_OF.get(room(m) or "", 9) <= 2))
def test_core_has_no_io(module: str) -> None:
    tree = modules()[module]
    for imported in imports(tree):
        assert imported.split(".")[0] not in CORE_MUST_NOT_TOUCH, f"{module} imports {imported}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in CORE_MUST_NOT_CALL, f"{module} calls {node.func.id}()"


@pytest.mark.parametrize("module", sorted(modules()))
def test_libraries_stay_in_their_room(module: str) -> None:
    for imported in imports(modules()[module]):
        rooms = LIBRARY_ROOMS.get(imported.split(".")[0])
        assert rooms is None or room(module) in rooms, f"{module} must not import {imported}"


def test_no_import_cycle() -> None:
    graph = {
        module: {target(name) for name in imports(tree) if name.startswith("gateway")} - {module, "gateway"}
        for module, tree in modules().items()
    }
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"import cycle: {' -> '.join(error.args[1])}")


def test_handlers_import_nothing_of_the_gateway() -> None:
    for path in (SOURCE / "handlers").rglob("*.py"):
        for imported in imports(ast.parse(path.read_text(encoding="utf-8"))):
            assert not imported.startswith("gateway"), path


def test_the_checker_sees_a_breach() -> None:
    tree = ast.parse("import asyncio\nfrom gateway.server import listener\ndef f():\n    import time")
    assert set(imports(tree)) == {"asyncio", "gateway.server.listener", "time"}
