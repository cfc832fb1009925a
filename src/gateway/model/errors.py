"""The tree of named errors, split by who is to blame. Expected outcomes are values, not errors.

GatewayError
  UserError            what the person at the command line gave us; one clear line, exit status 2
    DefinitionError    a template that cannot be served; carries every problem found
    SettingsError      settings that make no sense; carries every problem found
  ExpressionError      a selection expression, JSONPath or identity source that AWS would refuse; also a ValueError
  CapacityError        something we need is gone or full; the caller may try again
    RegistryUnavailable  the connection table cannot be reached
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.model.problem import Problem


class GatewayError(Exception):
    """Root of every error raised on purpose."""


class UserError(GatewayError):
    """The command line, a file or the environment is wrong. ``hint`` says what to do next."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class DefinitionError(UserError):
    """The template cannot be served; ``problems`` is never empty and holds all that were found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)

    def __reduce__(self) -> tuple[type[DefinitionError], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)


class SettingsError(UserError):
    """Settings that make no sense; ``problems`` is never empty and holds all that were found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)

    def __reduce__(self) -> tuple[type[SettingsError], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)


class CapacityError(GatewayError):
    """Something this node needs is gone or full; nothing is wrong with the request."""


class RegistryUnavailable(CapacityError):
    """The connection table cannot be reached or refused the write."""


class ExpressionError(GatewayError, ValueError):
    """An expression cannot be read. ``position`` counts characters from 0 to where reading stopped."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.message = message
        self.position = position
