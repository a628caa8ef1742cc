"""What the figures are held against, and every place where one falls short."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.transfer.alone import Alone
from benchmarks.transfer.limits import Limit
from benchmarks.transfer.links import LinkCheck
from benchmarks.transfer.ours import OLD_AT_HAND, PLAIN, is_ours
from benchmarks.transfer.plan import Kind, Step
from benchmarks.transfer.rounds import Row
from benchmarks.transfer.trees import Job

from dwcp.evaluation import Gate

MOST_MB = 256.0
GATES = (
    Gate("exact_share", 1.0, "at_least", "our transfers, of all rows, that arrived byte for byte"),
    Gate("fastest_share", 1.0, "at_least", "points where no other tool's median is quicker"),
    Gate("first_copy_worst", 1.05, "at_most", "time over the limit's, the worst first copy"),
    Gate("second_version_worst", 1.10, "at_most", "time over the limit's, the worst second version"),
    Gate("known_gb_per_s", 1.0, "at_least", "unshaped, of blocks that are there already"),
    Gate("incompressible_gb_per_s", 1.0, "at_least", "unshaped, of random bytes"),
    Gate("resident_mb", MOST_MB, "at_most", "either of our sides, in any transfer"),
    Gate("trusted_share", 1.0, "at_least", "links that did what they should when checked"),
)


@dataclass(frozen=True)
class Result:
    """Everything found at one step.

    Attributes:
        step: link and data.
        check: what the link really does.
        job: what was sent.
        limit: the least time; None where none is defined.
        alone: this machine's times without the network.
        rows: all peers, ours among them.
    """

    step: Step
    check: LinkCheck
    job: Job
    limit: Limit | None
    alone: Alone
    rows: tuple[Row, ...]

    @property
    def ours(self) -> Row | None:
        """The row that is held against the others: for a second version either of two, the quicker."""
        names = (PLAIN, OLD_AT_HAND)
        rows = [row for row in self.rows if row.peer in names and not row.problem]
        return min(rows, key=lambda row: row.wall_s, default=None)

    @property
    def quickest_other(self) -> Row | None:
        """The quickest of the other tools that arrived."""
        rows = (row for row in self.rows if not is_ours(row.peer) and not row.problem)
        return min(rows, key=lambda row: row.wall_s, default=None)

    @property
    def wire_mbps(self) -> float:
        """The link's rate with headers; unshaped, what the check reached, without."""
        return self.step.point.shape.rate_mbps or self.check.goodput_mbps

    def over_limit(self, row: Row) -> float | None:
        """A row's time over the least time."""
        return row.wall_s / self.limit.seconds if self.limit else None


def figures(results: Sequence[Result]) -> dict[str, float]:
    """The figures of the gates; those that were not measured are left out."""
    own = [row for result in results for row in result.rows if is_ours(row.peer)]
    held = [result for result in results if _is_race(result)]
    found: dict[str, float] = {}
    if own:
        trials = [trial for row in own for trial in row.trials]
        found["exact_share"] = sum(trial.problem is None for trial in trials) / len(trials)
        found["resident_mb"] = max(row.resident_mb for row in own)
    if held:
        found["fastest_share"] = sum(_fastest(result) for result in held) / len(held)
    for kind, name in ((Kind.FIRST, "first_copy_worst"), (Kind.SECOND, "second_version_worst")):
        ratios = [ratio for result in results if result.step.kind is kind for ratio in _ratios(result)]
        if ratios:
            found[name] = max(ratios)
    for kind, name in ((Kind.KNOWN, "known_gb_per_s"), (Kind.RANDOM, "incompressible_gb_per_s")):
        rates = [_rate(result) for result in results if result.step.kind is kind and _unshaped(result)]
        if any(rates):
            found[name] = min(rate for rate in rates if rate)
    if results:
        found["trusted_share"] = sum(result.check.trusted for result in results) / len(results)
    return found


def short(results: Sequence[Result]) -> list[str]:
    """A sentence for every place that falls short of a gate."""
    return [sentence for result in results for sentence in _short_of(result)]


def _short_of(result: Result) -> Iterable[str]:
    if not result.check.trusted:
        yield f"{result.step}: the link is not as it should be: {result.check}"
    for row in result.rows:
        if is_ours(row.peer) and row.problem:
            yield f"{result.step}: {row.peer} failed: {row.problem}"
        if is_ours(row.peer) and row.resident_mb > MOST_MB:
            yield f"{result.step}: {row.peer} has {row.resident_mb:.0f} MB resident"
    ours, other = result.ours, result.quickest_other
    if ours is None:
        return
    if other and _is_race(result) and not _fastest(result):
        yield f"{result.step}: {other.peer} takes {other.wall_s:.3f} s, {ours.peer} {ours.wall_s:.3f} s"
    most = {Kind.FIRST: 1.05, Kind.SECOND: 1.10}.get(result.step.kind)
    for ratio in _ratios(result):
        if most and ratio > most and result.limit:
            limit = f"the limit of {result.limit.seconds:.3f} s"
            yield f"{result.step}: {ours.peer} takes {ratio:.2f} times {limit}"
    rate = _rate(result)
    if result.step.kind in (Kind.KNOWN, Kind.RANDOM) and _unshaped(result) and rate and rate < 1:
        yield f"{result.step}: {ours.peer} moves {rate:.2f} GB/s"


def _is_race(result: Result) -> bool:
    """Whether ours is held against others: not in the start of programs, which moves no data."""
    return bool(result.ours and result.quickest_other) and result.step.kind is not Kind.START


def _fastest(result: Result) -> bool:
    ours, other = result.ours, result.quickest_other
    return bool(ours and other and ours.wall_s <= other.wall_s)


def _ratios(result: Result) -> Iterable[float]:
    ratio = result.over_limit(result.ours) if result.ours else None
    return () if ratio is None else (ratio,)


def _rate(result: Result) -> float | None:
    return result.job.plain_bytes / result.ours.wall_s / 1e9 if result.ours else None


def _unshaped(result: Result) -> bool:
    return result.step.point.shape.rate_mbps is None
