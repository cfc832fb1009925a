"""Functions for tests of how they are made ready."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.model.function import Code, Folder, Function, Layer
from gateway.model.ids import FunctionName


def function(
    code: Code = Folder("src"),  # noqa: B008 -- immutable
    *,
    runtime: str = "python3.11",
    handler: str = "app.handler",
    layers: tuple[Code, ...] = (),
    environment: Mapping[str, str] | None = None,
    logical_id: str = "Chat",
) -> Function:
    """A function like a template would declare it; ``layers`` are called ``Layer0`` and so on."""
    return Function(
        logical_id=logical_id,
        function_name=FunctionName(f"app-{logical_id}"),
        arn=f"arn:aws:lambda:us-east-1:123456789012:function:app-{logical_id}",
        runtime=runtime,
        handler=handler,
        code=code,
        environment=environment or {},
        layers=tuple(Layer(f"Layer{number}", layer) for number, layer in enumerate(layers)),
    )
