"""A queue or stream that calls a function: Lambda's event source mapping.

What the source is told apart by is its ARN alone, as the template has it. Where the queue or stream is found at an
endpoint is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gateway.model.ids import FunctionName


class StartingPosition(Enum):
    """Where reading a stream begins."""

    LATEST = "LATEST"
    TRIM_HORIZON = "TRIM_HORIZON"


@dataclass(frozen=True, slots=True)
class EventSource:
    """``source_arn`` is a queue's or a table's stream's; ``starting_position`` and the two bounds of trying a batch
    again concern streams only, None means without end; ``qualifier`` is a version or alias of the function."""

    logical_id: str
    function_name: FunctionName
    source_arn: str
    batch_size: int
    enabled: bool = True
    starting_position: StartingPosition = StartingPosition.LATEST
    reports_batch_item_failures: bool = False
    qualifier: str | None = None
    max_retries: int | None = None
    max_age_s: int | None = None

    @property
    def is_queue(self) -> bool:
        return self.source_arn.split(":")[2] == "sqs"

    @property
    def is_fifo(self) -> bool:
        return self.is_queue and self.source_arn.endswith(".fifo")

    @property
    def region(self) -> str:
        return self.source_arn.split(":")[3]

    @property
    def name(self) -> str:
        """The name of the queue, or of the table whose stream it is."""
        resource = self.source_arn.split(":", 5)[5]
        return resource if self.is_queue else resource.split("/")[1]
