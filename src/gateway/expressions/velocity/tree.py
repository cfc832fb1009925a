"""What a Velocity template says, as values: blocks of statements, and the expressions in them.

Nothing here knows how a text is read or how a tree is run. ``line`` counts from 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Text:
    """Literal text, its escapes already taken away."""

    text: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A string, number, truth value or ``null``."""

    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Interpolated:
    """A string in double quotes that is a template itself."""

    block: Block


@dataclass(frozen=True, slots=True)
class ListLiteral:
    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class MapLiteral:
    pairs: tuple[tuple[Expression, Expression], ...]


@dataclass(frozen=True, slots=True)
class RangeLiteral:
    """``[first..last]``, both included, also downwards."""

    first: Expression
    last: Expression


@dataclass(frozen=True, slots=True)
class Not:
    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary:
    """``operator`` is a sign: ``and`` is ``&&``, ``eq`` is ``==`` and so on."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Member:
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """``text`` is the argument list as written."""

    name: str
    arguments: tuple[Expression, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Index:
    index: Expression


Access: TypeAlias = Member | Call | Index


@dataclass(frozen=True, slots=True)
class Reference:
    """``$name.member.call(…)[index]``; ``alternate`` is what stands behind the bar in ``${name|'other'}``."""

    line: int
    name: str
    accesses: tuple[Access, ...] = ()
    alternate: Expression | None = None


@dataclass(frozen=True, slots=True)
class Assignment:
    """``#set``; ``accesses`` lead from the variable to the place inside it, Members and Indexes only."""

    line: int
    name: str
    accesses: tuple[Access, ...]
    value: Expression


@dataclass(frozen=True, slots=True)
class If:
    """The first branch whose condition holds, else ``otherwise``."""

    line: int
    branches: tuple[tuple[Expression, Block], ...]
    otherwise: Block


@dataclass(frozen=True, slots=True)
class Foreach:
    line: int
    variable: str
    source: Expression
    block: Block


@dataclass(frozen=True, slots=True)
class Break:
    """Leaves the innermost loop; outside of one, the template."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Ends the template; what was written stays."""


@dataclass(frozen=True, slots=True)
class Define:
    """``#define``: a variable that renders the block where it is used."""

    name: str
    block: Block


@dataclass(frozen=True, slots=True)
class MacroDefinition:
    name: str
    parameters: tuple[str, ...]
    block: Block


@dataclass(frozen=True, slots=True)
class MacroCall:
    """``text`` is the call as written: what an unknown macro renders."""

    line: int
    name: str
    arguments: tuple[Expression, ...]
    text: str


Expression: TypeAlias = Literal | Interpolated | ListLiteral | MapLiteral | RangeLiteral | Not | Binary | Reference
Statement: TypeAlias = (
    Text | Reference | Assignment | If | Foreach | Break | Stop | Define | MacroDefinition | MacroCall
)
Block: TypeAlias = tuple[Statement, ...]
