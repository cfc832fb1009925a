"""Which route a message takes (parity 3.1): the selected value's own route, else ``$default``, else none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from gateway.expressions.selection import Selection
from gateway.model.ids import DEFAULT, RouteKey

R = TypeVar("R")  # whatever stands for a route


def choose(selection: Selection, routes: Mapping[RouteKey, R], body: str) -> R | None:
    """The route for a message, None when nothing matches and there is no ``$default``. Never raises.

    A custom key cannot start with ``$``, so a client that names ``$connect`` or ``$disconnect`` gets ``$default``:
    those two are the gateway's to invoke. A body that is not JSON gets ``$default`` too, whatever the expression.
    """
    value = selection.select(body)
    if value and value[0] != "$":
        route = routes.get(RouteKey(value))
        if route is not None:
            return route
    return routes.get(DEFAULT)
