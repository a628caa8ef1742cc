"""Peers taking turns over one link: A B C, A B C; and what came of each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import median

from benchmarks.transfer.link_use import LinkUse, link_use
from benchmarks.transfer.peers import Peer
from benchmarks.transfer.trees import Job
from benchmarks.transfer.trial import Trial, run_trial

from dwcp.simulate.shaped_link import ShapedLink

SLOW = 1.5
"""A peer that took so much longer than the quickest of the first round is not run again."""
_FIGURES = ("sent_bytes", "returned_bytes", "sender_cpu_s", "receiver_cpu_s")


@dataclass(frozen=True)
class Row:
    """All trials of one peer with one job over one link; figures are medians.

    Attributes:
        peer: its name.
        trials: in order.
    """

    peer: str
    trials: tuple[Trial, ...]

    @property
    def problem(self) -> str | None:
        """The first thing that went wrong."""
        return next((trial.problem for trial in self.trials if trial.problem), None)

    @property
    def wall_s(self) -> float:
        """The median."""
        return median(trial.wall_s for trial in self.trials)

    @property
    def spread_s(self) -> tuple[float, float]:
        """The quickest and the slowest."""
        times = [trial.wall_s for trial in self.trials]
        return min(times), max(times)

    @property
    def resident_mb(self) -> float:
        """The most of either side in any trial."""
        return max(max(trial.sender_mb, trial.receiver_mb) for trial in self.trials)

    def middle(self, name: str) -> float:
        """The median of one of a trial's figures."""
        return float(median(getattr(trial, name) for trial in self.trials))

    def link_use(self, rate_mbps: float) -> LinkUse:
        """Where the time went, part by part the median; over a link of this rate, headers included."""
        uses = [link_use(trial.arrivals or ((0.0, 0),), trial.wall_s, rate_mbps) for trial in self.trials]
        names = [field.name for field in fields(LinkUse)]
        return LinkUse(*(float(median(getattr(use, name) for use in uses)) for name in names))

    def as_json(self) -> dict[str, object]:
        """Medians, and the time of every trial."""
        return {
            "peer": self.peer,
            "wall_s": round(self.wall_s, 4),
            "walls_s": [round(trial.wall_s, 4) for trial in self.trials],
            **{name: round(self.middle(name), 3) for name in _FIGURES},
            "resident_mb": self.resident_mb,
            "problem": self.problem,
        }


def compete(
    link: ShapedLink,
    peers: Sequence[Peer],
    job: Job,
    work: Path,
    *,
    rounds: int,
    most_s: float,
    every_round: bool,
    tell: Callable[[str], None],
) -> list[Row]:
    """Run all peers in turns.

    Args:
        link: where.
        peers: who; the first is run in every round.
        job: what.
        work: a folder in memory for whatever is needed.
        rounds: most often that each is run.
        most_s: longest that one transfer may take.
        every_round: whether slow peers, too, are run in every round.
        tell: takes a line on what is being done.
    """
    trials: dict[str, list[Trial]] = {peer.name: [] for peer in peers}
    running = list(peers)
    for turn in range(rounds):
        for peer in running:
            tell(f"round {turn + 1} of {rounds}: {peer.name}")
            trials[peer.name].append(run_trial(link, peer, job, work, most_s))
        best_s = min((found[0].wall_s for found in trials.values() if not found[0].problem), default=0.0)
        running = [
            peer
            for place, peer in enumerate(peers)
            if not trials[peer.name][0].problem
            and (place == 0 or every_round or trials[peer.name][0].wall_s <= SLOW * best_s)
        ]
    return [Row(name, tuple(found)) for name, found in trials.items()]
