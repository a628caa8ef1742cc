"""Asking for hints as a transfer would: one block after the other, each outcome told to the advisor."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np

from dwcp.cli.demo.kinds import Kind, kind_of
from dwcp.evaluation import Case
from dwcp.registry import Registry
from dwcp.serving import Hint
from dwcp.serving.local import LocalAdvisor
from dwcp.tasks.compression.contract import Action, Context, CostModel, Outcome
from dwcp.tasks.compression.grid import Point, at_point
from dwcp.tasks.compression.task import TASK

__all__ = ["Asked", "Hints", "ask_for_hints"]

CompressionCase = Case[Context, Action, Outcome]


@dataclass(frozen=True, slots=True)
class Asked:
    """One hint, and what the block then took, as it was measured.

    Attributes:
        file: folder and name of the file.
        link_mbps: the link it was asked for.
        hint: the answer.
        cost_s: measured seconds of the hinted codec.
        oracle: the codec that was in fact the fastest.
        oracle_cost_s: its measured seconds.
    """

    file: str
    link_mbps: float
    hint: Hint[Action]
    cost_s: float
    oracle: Action
    oracle_cost_s: float

    @property
    def kind(self) -> Kind:
        """The kind of the file."""
        return kind_of(PurePath(self.file))


@dataclass(frozen=True, slots=True)
class Hints:
    """Every hint that was asked for.

    Attributes:
        asked: in the order of asking.
        switched_off: one more, asked after the model was switched off.
    """

    asked: tuple[Asked, ...]
    switched_off: Asked

    def reasons(self) -> dict[str, int]:
        """How many hints had which reason, the most frequent first."""
        return dict(Counter(one.hint.reason.value for one in self.asked).most_common())

    def latency_ms(self, share: float) -> float:
        """The time of asking that this share of the hints stayed below."""
        return float(np.quantile([one.hint.latency_ms for one in self.asked], share))

    def examples(self) -> list[Asked]:
        """One hint for each kind of file, the links taking turns, each for the largest block of its kind."""
        links = list(dict.fromkeys(one.link_mbps for one in self.asked))
        kinds = sorted({one.kind for one in self.asked}, key=list(Kind).index)
        return [
            max(
                (one for one in self.asked if one.kind is kind and one.link_mbps == links[turn % len(links)]),
                key=lambda one: one.oracle_cost_s,
            )
            for turn, kind in enumerate(kinds)
        ]


def ask_for_hints(
    registry: Registry, cases: Sequence[CompressionCase], links_mbps: Sequence[float], deadline_ms: float
) -> Hints:
    """Ask for every block on every link, in the pipelined model; without a champion the fallback answers."""
    advisor = LocalAdvisor([TASK], registry, deadline_ms=deadline_ms)
    try:
        advisor.reload()
        asked = tuple(
            _ask(advisor, case, mbps)
            for mbps in links_mbps
            for case in at_point(cases, Point(mbps, CostModel.PIPELINED))
        )
        advisor.kill("to show what then happens")
        first = at_point(cases[:1], Point(100.0, CostModel.PIPELINED))[0]
        return Hints(asked, _ask(advisor, first, 100.0))
    finally:
        advisor.close()


def _ask(advisor: LocalAdvisor, case: CompressionCase, mbps: float) -> Asked:
    hint = advisor.ask(TASK.name, case.context)
    outcome = case.outcomes[hint.action]
    advisor.observe(TASK.name, case.context, hint.action, outcome)
    costs = {action: TASK.cost(case.context, measured) for action, measured in case.outcomes.items()}
    oracle = min(costs, key=costs.__getitem__)
    file = case.context.flow.removesuffix(f" over {Point(mbps, CostModel.PIPELINED)}")
    return Asked(file, mbps, hint, costs[hint.action], oracle, costs[oracle])
