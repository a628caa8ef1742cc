"""Made-up results of a step, as a run would give them."""

from pathlib import Path

from benchmarks.transfer.alone import Alone
from benchmarks.transfer.gates import Result
from benchmarks.transfer.limits import Limit
from benchmarks.transfer.links import LinkCheck
from benchmarks.transfer.plan import Kind, Step, at
from benchmarks.transfer.rounds import Row
from benchmarks.transfer.trees import Job
from benchmarks.transfer.trial import Trial


def row(peer: str, wall_s: float, resident_mb: float = 20.0, problem: str | None = None) -> Row:
    """One trial of one peer."""
    return Row(peer, (Trial(wall_s, 1000, 10, 0.5, 0.25, resident_mb, 1.0, problem=problem),))


def result(
    kind: Kind, rate_mbps: float | None, limit_s: float | None, *rows: Row, trusted: bool = True
) -> Result:
    """One step of 2 GB."""
    job = Job(kind.value, Path(), None, 3, 2_000_000_000, (), "made up")
    limit = None if limit_s is None else Limit(limit_s, limit_s, 123)
    check = LinkCheck(rate_mbps or 9000.0, 1, 0.1, 0.0, "bbr", trusted)
    return Result(Step(at(rate_mbps), kind), check, job, limit, Alone(0.1, 0.2, 0.3), rows)
