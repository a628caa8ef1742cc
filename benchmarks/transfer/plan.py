"""Which links and jobs are measured: twenty minutes' worth, or all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from benchmarks.transfer import trees
from benchmarks.transfer.links import CONTROLS, LOSSES, RATES_MBPS, RTTS_MS, Point
from benchmarks.transfer.trees import Job

from dwcp.simulate.shaped_link import LinkShape

LARGE_BYTES = 1 << 30
"""Of the data that gates at 1 GB/s are held against."""
SMALL_FILES = 5000


class Kind(StrEnum):
    """What is transferred."""

    FIRST = "first copy"
    SECOND = "second version"
    SMALL = "small files"
    UNCHANGED = "unchanged"
    KNOWN = "known blocks"
    RANDOM = "incompressible"
    START = "one small file"


@dataclass(frozen=True)
class Step:
    """One link with one kind of data.

    Attributes:
        point: the link.
        kind: the data.
        share: how much of each file.
        brief: only the peers that matter most.
    """

    point: Point
    kind: Kind
    share: float = 1.0
    brief: bool = False

    def __str__(self) -> str:
        return f"{self.point}: {self.kind}"


@dataclass(frozen=True)
class Data:
    """Where data comes from.

    Attributes:
        corpus: the folder of real files.
        given: a folder to send instead in first copies; None for the corpus.
        large_bytes: length of made-up data.
    """

    corpus: Path
    given: Path | None = None
    large_bytes: int = LARGE_BYTES

    def build(self, step: Step, place: Path) -> Job:
        """Make the step's folders.

        Raises:
            InputError: the corpus or the folder cannot be read, or lacks what is needed.
        """
        match step.kind:
            case Kind.FIRST if self.given is not None:
                return trees.any_folder(self.given, place)
            case Kind.FIRST:
                return trees.first_copy(self.corpus, place, step.share)
            case Kind.SECOND:
                pairs = len(trees.PAIRS) if step.share >= 1 else 2
                return trees.second_version(self.corpus, place, step.share, pairs)
            case Kind.SMALL:
                return trees.small_files(self.corpus, place, max(1, int(SMALL_FILES * step.share)))
            case Kind.UNCHANGED:
                return trees.unchanged(self.corpus, place)
            case Kind.KNOWN:
                return trees.known_blocks(place, self.large_bytes)
            case Kind.RANDOM:
                return trees.random_bytes(place, self.large_bytes)
            case Kind.START:
                return trees.one_small_file(place)


def at(rate_mbps: float | None, rtt_ms: float = 0.0, loss: float = 0.0, control: str = CONTROLS[0]) -> Point:
    """A point by its numbers."""
    return Point(LinkShape(rate_mbps, rtt_ms, loss=loss), control)


USUAL: tuple[Step, ...] = (
    Step(at(None), Kind.START),
    Step(at(10), Kind.FIRST, 0.25, brief=True),
    Step(at(50), Kind.FIRST, 0.5, brief=True),
    Step(at(100), Kind.FIRST),
    Step(at(500), Kind.FIRST),
    Step(at(1000), Kind.FIRST),
    Step(at(5000), Kind.FIRST),
    Step(at(None), Kind.FIRST),
    Step(at(100, 20), Kind.FIRST, 0.5, brief=True),
    Step(at(1000, 80), Kind.FIRST, brief=True),
    Step(at(100, 20, 0.01), Kind.FIRST, 0.25, brief=True),
    Step(at(100, 20, 0.01, "cubic"), Kind.FIRST, 0.1, brief=True),
    Step(at(10, 20), Kind.SECOND, 0.1, brief=True),
    Step(at(100, 20), Kind.SECOND, brief=True),
    Step(at(None), Kind.SECOND),
    Step(at(100, 20), Kind.SMALL, 0.4, brief=True),
    Step(at(None), Kind.SMALL, brief=True),
    Step(at(100, 20), Kind.UNCHANGED, brief=True),
    Step(at(None), Kind.RANDOM, brief=True),
    Step(at(None), Kind.KNOWN, brief=True),
)
"""What fits into about twenty minutes."""
LEFT_OUT = (
    "without --full: RTT 20 and 80 ms at most rates, loss at all rates but 100 Mbit/s, the whole corpus "
    "below 100 Mbit/s, and part of the peers on links that are slow or delayed"
)


def everything() -> list[Step]:
    """Every rate with every RTT, loss and, where packets are lost, congestion control; hours."""
    steps = []
    for rate in RATES_MBPS:
        for rtt in RTTS_MS:
            for loss in LOSSES:
                for control in CONTROLS if loss else CONTROLS[:1]:
                    point = at(rate, rtt, loss, control)
                    steps += [Step(point, kind) for kind in _kinds(point)]
    return steps


def _kinds(point: Point) -> Sequence[Kind]:
    fast = point.shape.rate_mbps is None or point.shape.rate_mbps >= 1000
    large = (Kind.KNOWN, Kind.RANDOM) if fast and not point.shape.loss else ()
    return (Kind.START, Kind.FIRST, Kind.SECOND, Kind.SMALL, Kind.UNCHANGED, *large)


def too_fast(point: Point, ceilings_mbps: dict[bool, float]) -> str | None:
    """Why the relay cannot carry a link, in a few words; None when it can.

    Args:
        point: the link.
        ceilings_mbps: what the relay carries, without and with loss.
    """
    if point.kind != "relay":
        return None
    ceiling = ceilings_mbps[point.shape.loss > 0]
    if point.ideal_mbps is None:
        return f"{point.key}: unshaped, the relay itself would be the limit, at {ceiling:,.0f} Mbit/s"
    if point.ideal_mbps > 0.8 * ceiling:
        return f"{point.key}: the relay carries {ceiling:,.0f} Mbit/s here, too little for this link"
    return None
