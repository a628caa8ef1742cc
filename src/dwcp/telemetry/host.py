"""The load of this machine as telemetry: one ``host`` record an interval, from Linux's ``/proc``."""

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from dwcp.errors import InputError

if TYPE_CHECKING:
    from dwcp.telemetry.schema import Value

__all__ = ["HostReading", "host_fields", "read_host"]

_PROC = Path("/proc")


class HostReading(Struct, frozen=True):
    """Counters and levels at one moment.

    Attributes:
        busy_ticks: clock ticks that all cores spent working.
        total_ticks: clock ticks that all cores had.
        memory_total_bytes: of the machine.
        memory_available_bytes: what programs can still get without swapping.
        disk_busy_ms: for each whole disk, milliseconds in which it had something to do.
    """

    busy_ticks: int
    total_ticks: int
    memory_total_bytes: int
    memory_available_bytes: int
    disk_busy_ms: tuple[tuple[str, int], ...]


def read_host(proc: Path = _PROC) -> HostReading:
    """Read the counters; about 0.1 ms.

    Args:
        proc: where procfs is mounted.

    Raises:
        InputError: it is not there, or not in the form of proc(5).
    """
    try:
        ticks = [int(word) for word in (proc / "stat").read_text().split("\n", 1)[0].split()[1:9]]
        memory = _kilobytes((proc / "meminfo").read_text())
        disks = _busy_disks((proc / "diskstats").read_text())
        idle = ticks[3] + ticks[4]
        total, available = memory["MemTotal"] * 1024, memory["MemAvailable"] * 1024
    except (OSError, ValueError, LookupError) as error:
        raise InputError(f"the load of this machine cannot be read from {proc}: {error}") from error
    return HostReading(sum(ticks) - idle, sum(ticks), total, available, disks)


def host_fields(
    before: HostReading, after: HostReading, interval_s: float, active_transfers: int | None = None
) -> "dict[str, Value]":
    """The fields of a ``host`` record, but for ``node_id``.

    Args:
        before: the reading at the interval's start.
        after: the one at its end.
        interval_s: its length, above 0.
        active_transfers: transfers running on the node, where the caller knows.
    """
    ticks = after.total_ticks - before.total_ticks
    earlier = dict(before.disk_busy_ms)
    worked_ms = [busy - earlier.get(name, busy) for name, busy in after.disk_busy_ms]
    return {
        "cpu_usage": _share(after.busy_ticks - before.busy_ticks, ticks) if ticks > 0 else None,
        "memory_usage": 1 - _share(after.memory_available_bytes, after.memory_total_bytes),
        "memory_available_mb": after.memory_available_bytes / 1e6,
        "disk_io": _share(max(worked_ms), interval_s * 1e3) if worked_ms else None,
        "active_transfers": active_transfers,
    }


def _kilobytes(meminfo: str) -> dict[str, int]:
    lines = (line.split() for line in meminfo.splitlines())
    return {words[0].rstrip(":"): int(words[1]) for words in lines if len(words) > 1}


def _busy_disks(diskstats: str) -> tuple[tuple[str, int], ...]:
    """The busiest disk is what counts; a partition is never busier than the disk it lies on."""
    lines = (line.split() for line in diskstats.splitlines())
    return tuple((words[2], int(words[12])) for words in lines if len(words) > 12)


def _share(part: float, whole: float) -> float:
    return min(1.0, max(0.0, part / whole))
