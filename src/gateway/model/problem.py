"""One thing wrong with what a user wrote, told so that the next step is clear."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """``line`` counts from 1, None when unknown; ``hint`` says what to do next and may be empty."""

    message: str
    file: str | None = None
    line: int | None = None
    logical_id: str | None = None
    hint: str = ""

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        head = ": ".join(part for part in (place, self.logical_id or "", self.message) if part)
        return f"{head}\n  hint: {self.hint}" if self.hint else head
