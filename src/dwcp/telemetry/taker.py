"""What the data path hands its records to."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from dwcp.telemetry.schema import Value

__all__ = ["RecordTaker"]


class RecordTaker(Protocol):
    """Takes records at the cost of one append: a `dwcp.telemetry.Recorder`, or what stands before one."""

    def record(self, kind: str, epoch_time: int, fields: "Mapping[str, Value]") -> bool:
        """Hand a record over; see `dwcp.telemetry.Recorder.record`."""
        ...
