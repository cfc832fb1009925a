"""Values that are made for every message, post or handshake, by the dozen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

Value = TypeVar("Value")


@dataclass_transform(frozen_default=True)
def hot_value(made: type[Value]) -> type[Value]:
    """``@dataclass(frozen=True, slots=True)`` that only the type checker holds frozen, hashable all the same.

    What guards a frozen one at run time costs a call for each field whenever one is made: 2.4 instead of 0.3 us for
    ten fields, a tenth of all that a connect costs.
    """
    return dataclass(slots=True, unsafe_hash=True)(made)
