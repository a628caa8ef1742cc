"""Training rows: arrays, labels, and for how long it has been quiet."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dwcp.errors import TrainingError
from dwcp.task import Arrays
from dwcp.tasks.consensus.contract import FINE
from dwcp.tasks.consensus.inputs import SPEC, arrays
from dwcp.tasks.consensus.model.features import Features, Seen
from dwcp.tasks.consensus.rules import hard_ratio
from dwcp.tasks.consensus.series import ConsensusCase

__all__ = ["Rows", "joined", "rows_of", "seen_of", "tensors"]

_BATCH_ROWS = 2048
_BENIGN_WEIGHT = 3.0
_SEEN = tuple(one.name for one in fields(Seen))


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Seconds to learn from, all of them, by group and in order of time.

    Attributes:
        window: the windows as a tensor.
        seen: their features.
        kinds: what was going on.
        events: name of the fault or benign event.
        groups: whose seconds they are.
        times_s: when they ended.
        broken: where a hard rule is broken.
        calm_s: how many seconds nothing but quiet and benign events came before, this one included.
    """

    window: Tensor
    seen: Seen
    kinds: NDArray[np.str_]
    events: NDArray[np.str_]
    groups: NDArray[np.str_]
    times_s: NDArray[np.float64]
    broken: NDArray[np.bool_]
    calm_s: NDArray[np.int64]

    @property
    def faults(self) -> NDArray[np.bool_]:
        """Faults that a client noticed."""
        return np.asarray(self.kinds == "fault")

    @property
    def judged(self) -> NDArray[np.bool_]:
        """Where a flag is right or wrong."""
        return np.isin(self.kinds, ("quiet", "benign", "fault"))

    @property
    def injected(self) -> NDArray[np.bool_]:
        """Faults, noticed or not: what trees are taught, since the members' figures show both."""
        return np.isin(self.kinds, ("fault", "hidden"))

    @property
    def taught(self) -> NDArray[np.bool_]:
        """Rows for trees: no recoveries, nor seconds called quiet in which a hard rule was broken."""
        calm = np.isin(self.kinds, ("quiet", "benign")) & ~self.broken
        return self.injected | calm

    @property
    def weight(self) -> NDArray[np.float64]:
        """How much a row counts for the trees: benign events are few, and look most like faults."""
        return np.where(self.kinds == "benign", _BENIGN_WEIGHT, 1.0)


def rows_of(cases: Sequence[ConsensusCase], what: str) -> Rows:
    """Cases as rows.

    Args:
        cases: recorded or simulated.
        what: what they are for, in a message.

    Raises:
        TrainingError: there is no fault among them, or nothing else.
    """
    order = sorted(range(len(cases)), key=lambda place: (cases[place].group, cases[place].time_s))
    told = [cases[place] for place in order]
    kinds = np.array([case.outcomes[FINE].kind for case in told], dtype=np.str_)
    faults, judged = int((kinds == "fault").sum()), int(np.isin(kinds, ("quiet", "benign", "fault")).sum())
    if not 0 < faults < judged:
        raise TrainingError(
            f"the {what} rows need labelled faults and quiet ones; {faults} of {judged} are "
            "faults: record more"
        )
    given = arrays([case.context for case in told])
    groups = np.array([case.group for case in told], dtype=np.str_)
    return Rows(
        tensors(given)[0],
        seen_of(given),
        kinds,
        np.array([case.outcomes[FINE].event for case in told], dtype=np.str_),
        groups,
        np.array([case.time_s for case in told]),
        np.array([hard_ratio(case.context) >= 1 for case in told], dtype=np.bool_),
        _calm(groups, kinds),
    )


def tensors(given: Arrays) -> tuple[Tensor, ...]:
    """Arrays in the order of the input specification."""
    return tuple(torch.from_numpy(np.ascontiguousarray(given[column.name])) for column in SPEC.columns)


def seen_of(given: Arrays) -> Seen:
    """Features of all rows, a part at a time."""
    features, (window, usual) = Features().eval(), tensors(given)
    batches = torch.split(torch.arange(len(window)), _BATCH_ROWS)
    with torch.no_grad():
        parts = [features(window[at], usual[at]) for at in batches]
    return Seen(*(torch.cat(one) for one in zip(*parts, strict=True)))


def joined(one: Rows, other: Rows) -> Rows:
    """Rows of both, still by group and in order of time."""
    groups, times = (
        np.concatenate([getattr(part, name) for part in (one, other)]) for name in ("groups", "times_s")
    )
    order = np.lexsort((times, groups))
    at = torch.from_numpy(order)
    seen = (torch.cat([getattr(part.seen, name) for part in (one, other)])[at] for name in _SEEN)
    told = (
        np.concatenate([getattr(part, name) for part in (one, other)])[order]
        for name in ("kinds", "events", "groups", "times_s", "broken", "calm_s")
    )
    return Rows(torch.cat([one.window, other.window])[at], Seen(*seen), *told)


def _calm(groups: NDArray[np.str_], kinds: NDArray[np.str_]) -> NDArray[np.int64]:
    """Run lengths by group, in the order given."""
    lengths: dict[str, int] = {}
    found = np.zeros(len(kinds), np.int64)
    for place, (group, kind) in enumerate(zip(groups.tolist(), kinds.tolist(), strict=True)):
        lengths[group] = lengths.get(group, 0) + 1 if kind in ("quiet", "benign") else 0
        found[place] = lengths[group]
    return found
