"""A group's seconds in a row as decisions to make."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dwcp.evaluation.policy import Case
from dwcp.tasks.consensus.contract import STEPS, Action, Context, Kind, Outcome, Step
from dwcp.tasks.consensus.oracle import outcomes
from dwcp.tasks.consensus.quiet import QuietLevels

__all__ = ["ConsensusCase", "Series", "cases_of", "without_gaps"]

ConsensusCase = Case[Context, Action, Outcome]

_NOTHING = Step()
_LONGEST_GAP_S = 3600


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """What was recorded of a group.

    Attributes:
        name: the group.
        times_s: ends of the seconds, in order.
        steps: what was measured in each.
        kinds: what was going on in each.
        events: name of the fault or benign event of each; empty where there was none.
    """

    name: str
    times_s: tuple[float, ...]
    steps: tuple[Step, ...]
    kinds: tuple[Kind, ...]
    events: tuple[str, ...]


def cases_of(series: Series, *, levels: bool = True, part_s: float | None = None) -> Iterator[ConsensusCase]:
    """One decision a second, in order of time; a second that is missing is one that tells nothing.

    Args:
        series: what was recorded.
        levels: give each context the levels of the quiet and benign seconds before it, by the labels.
        part_s: cut into groups of such a length, so that they can be split; one group when None.
    """
    whole = without_gaps(series)
    quiet = QuietLevels()
    for place, (time_s, kind, event) in enumerate(zip(whole.times_s, whole.kinds, whole.events, strict=True)):
        steps = whole.steps[max(0, place + 1 - STEPS) : place + 1]
        context = Context(whole.name, steps, quiet.levels if levels else ())
        part = "" if part_s is None else f"/{int((time_s - whole.times_s[0]) // part_s)}"
        yield Case(context, outcomes(kind, event), whole.name + part, time_s)
        quiet.add(whole.steps[place], alarm=kind not in ("quiet", "benign"))


def without_gaps(series: Series) -> Series:
    """The same with every missing second in its place, unlabelled."""
    rows: list[tuple[float, Step, Kind, str]] = []
    for row in zip(series.times_s, series.steps, series.kinds, series.events, strict=True):
        missing = round(row[0] - rows[-1][0]) - 1 if rows else 0
        if 0 < missing <= _LONGEST_GAP_S:
            before = rows[-1][0]
            rows += [(before + 1 + one, _NOTHING, "unknown", "") for one in range(missing)]
        rows.append(row)
    return Series(series.name, *_columns(rows))


def _columns(
    rows: Sequence[tuple[float, Step, Kind, str]],
) -> tuple[tuple[float, ...], tuple[Step, ...], tuple[Kind, ...], tuple[str, ...]]:
    times, steps, kinds, events = zip(*rows, strict=True) if rows else ((), (), (), ())
    return times, steps, kinds, events
