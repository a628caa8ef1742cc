"""The links a block is judged on: each measured block becomes one case for every link and cost model."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from dwcp.codecs.facts import ProbeDepth, mean_facts
from dwcp.codecs.probe import Look, affordable_depth, affordable_look, looked_at, run_blocks
from dwcp.evaluation.policy import Case
from dwcp.tasks.compression.contract import Action, Context, CostModel, Objective, Outcome
from dwcp.tasks.compression.rows import at_depth

__all__ = ["COST_MODELS", "LINKS_MBPS", "Point", "Run", "as_runs", "at_point", "over_grid"]

LINKS_MBPS = (10.0, 50.0, 100.0, 500.0, 1000.0, 5000.0, 10000.0)
COST_MODELS = (CostModel.SERIAL, CostModel.PIPELINED)

CompressionCase = Case[Context, Action, Outcome]


@dataclass(frozen=True, slots=True)
class Point:
    """A link speed and a cost model."""

    bandwidth_mbps: float
    cost_model: CostModel

    def __str__(self) -> str:
        return f"{self.cost_model.value} {self.bandwidth_mbps:g} Mbit/s"


def over_grid(cases: Sequence[CompressionCase]) -> list[CompressionCase]:
    """Every case at every link speed under both timed cost models."""
    points = [Point(mbps, model) for model in COST_MODELS for mbps in LINKS_MBPS]
    return [judged for point in points for judged in at_point(cases, point)]


def at_point(cases: Iterable[CompressionCase], point: Point) -> list[CompressionCase]:
    """The cases as they stand on one link, looked at as deeply as that link affords.

    A made-up reference is taken away: nothing is judged on it. A flow is a file on one link.
    """
    depth = affordable_depth(point.bandwidth_mbps)
    judged = []
    for case in map(_without_made_up, cases):
        context = replace(
            case.context,
            facts=at_depth(case.context.facts, depth),
            link=replace(case.context.link, bandwidth_mbps=point.bandwidth_mbps),
            objective=Objective(point.cost_model),
            flow=f"{case.context.flow} over {point}",
        )
        outcomes = {a: o for a, o in case.outcomes.items() if context.admissible(a)}
        judged.append(replace(case, context=context, outcomes=outcomes))
    return judged


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive blocks that one decision serves.

    Attributes:
        case: facts of the blocks looked at, and the mean outcome of all: costs stay those of a block.
        blocks: how many there are.
        look: what the run affords; None when it is over too soon to ask anything.
    """

    case: CompressionCase
    blocks: int
    look: Look | None


def as_runs(cases: Sequence[CompressionCase], point: Point) -> list[Run]:
    """Judged cases of consecutive blocks as runs: one decision, on a look at a few of them, for all of them.

    What is given are cases of `at_point`, a file's blocks in order. Only candidates that all of a run's
    blocks have are kept.
    """
    runs: list[list[CompressionCase]] = []
    for case in cases:
        facts = case.context.facts
        length = run_blocks(point.bandwidth_mbps, facts.block_bytes)
        last = runs[-1] if runs else []
        follows = bool(last) and last[0].context.flow == case.context.flow and len(last) < length
        if follows and (last[0].context.facts.reference is None) == (facts.reference is None):
            last.append(case)
        else:
            runs.append([case])
    return [_as_run(run, point) for run in runs]


def _as_run(run: Sequence[CompressionCase], point: Point) -> Run:
    first = run[0]
    outcomes = {
        action: _mean([case.outcomes[action] for case in run])
        for action in first.outcomes
        if all(action in case.outcomes for case in run)
    }
    run_bytes = sum(case.context.facts.block_bytes for case in run)
    look = affordable_look(point.bandwidth_mbps, run_bytes)
    depth, most = (look.depth, look.blocks) if look else (ProbeDepth.STATISTICS, 1)
    seen = [at_depth(run[place].context.facts, depth) for place in looked_at(len(run), most)]
    context = replace(first.context, facts=mean_facts(seen))
    return Run(replace(first, context=context, outcomes=outcomes), len(run), look)


def _mean(outcomes: Sequence[Outcome]) -> Outcome:
    count = len(outcomes)
    times = [outcome.decompress_ms for outcome in outcomes if outcome.decompress_ms is not None]
    return Outcome(
        round(sum(outcome.stored_bytes for outcome in outcomes) / count),
        sum(outcome.compress_ms for outcome in outcomes) / count,
        sum(times) / count if len(times) == count else None,
    )


def _without_made_up(case: CompressionCase) -> CompressionCase:
    reference = case.context.facts.reference
    if reference is None or not reference.made_up:
        return case
    return replace(case, context=replace(case.context, facts=replace(case.context.facts, reference=None)))
