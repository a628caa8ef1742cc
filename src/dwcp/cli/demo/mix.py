"""What was measured, summed up by kind of file and by codec."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from dwcp.cli.demo.judging import LINKS_MBPS
from dwcp.cli.demo.kinds import Kind, kind_of
from dwcp.evaluation import Case
from dwcp.tasks.compression.contract import CANDIDATES, Action, Context, CostModel, Outcome, action_named
from dwcp.tasks.compression.grid import Point, at_point
from dwcp.tasks.compression.task import TASK

__all__ = ["CodecSum", "KindSum", "by_codec", "by_kind"]

CompressionCase = Case[Context, Action, Outcome]

_ZSTD_3 = action_named("zstd-3")


@dataclass(frozen=True, slots=True)
class KindSum:
    """One kind of file.

    Attributes:
        kind: which.
        files: how many files.
        blocks: how many blocks of them.
        plain_bytes: their size.
        zstd_3_share: stored over plain bytes under zstd-3.
        fastest: for each link, the codec that was most often the fastest in the pipelined model.
    """

    kind: Kind
    files: int
    blocks: int
    plain_bytes: int
    zstd_3_share: float
    fastest: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CodecSum:
    """One codec over every block: plain over stored bytes, and 10^6 plain bytes a second on one core."""

    action: Action
    ratio: float
    mb_per_s: float


def by_kind(cases: Sequence[CompressionCase]) -> list[KindSum]:
    """Every kind that there is, in the order of `Kind`."""
    members: dict[Kind, list[CompressionCase]] = {kind: [] for kind in Kind}
    for case in cases:
        members[kind_of(PurePath(case.context.flow))].append(case)
    return [_kind_sum(kind, of_kind) for kind, of_kind in members.items() if of_kind]


def by_codec(cases: Sequence[CompressionCase]) -> list[CodecSum]:
    """Every codec that needs no earlier version of the data."""
    plain = sum(case.context.facts.block_bytes for case in cases)
    sums = []
    for action in CANDIDATES:
        if not action.use_reference:
            stored = sum(case.outcomes[action].stored_bytes for case in cases)
            elapsed_ms = sum(case.outcomes[action].compress_ms for case in cases)
            sums.append(CodecSum(action, plain / stored, plain / 1e3 / max(elapsed_ms, 1e-3)))
    return sums


def _kind_sum(kind: Kind, cases: Sequence[CompressionCase]) -> KindSum:
    plain = sum(case.context.facts.block_bytes for case in cases)
    return KindSum(
        kind,
        len({case.context.flow for case in cases}),
        len(cases),
        plain,
        sum(case.outcomes[_ZSTD_3].stored_bytes for case in cases) / plain,
        tuple(_mostly_fastest(cases, mbps) for mbps in LINKS_MBPS),
    )


def _mostly_fastest(cases: Sequence[CompressionCase], mbps: float) -> str:
    fastest: Counter[Action] = Counter()
    for case in at_point(cases, Point(mbps, CostModel.PIPELINED)):
        costs = {action: TASK.cost(case.context, outcome) for action, outcome in case.outcomes.items()}
        fastest[min(costs, key=costs.__getitem__)] += 1
    return fastest.most_common(1)[0][0].name
