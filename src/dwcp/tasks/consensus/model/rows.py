"""Training rows: arrays, labels, and for how long it has been quiet."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dwcp.errors import TrainingError
from dwcp.task import Arrays
from dwcp.tasks.consensus.contract import FINE
from dwcp.tasks.consensus.inputs import SPEC, arrays
from dwcp.tasks.consensus.model.features import Features, Seen
from dwcp.tasks.consensus.series import ConsensusCase

__all__ = ["Rows", "rows_of", "seen_of", "tensors"]

_BATCH_ROWS = 2048


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows to learn from; hidden faults, recoveries and what nobody labelled are left out.

    Attributes:
        given: arrays of the input specification.
        window: the windows as a tensor.
        seen: their features.
        faults: labels.
        quiet: neither fault nor benign event.
        calm_s: how many seconds nothing but quiet and benign events came before, this one included.
    """

    given: Arrays
    window: Tensor
    seen: Seen
    faults: NDArray[np.bool_]
    quiet: NDArray[np.bool_]
    calm_s: NDArray[np.int64]


def rows_of(cases: Sequence[ConsensusCase], what: str) -> Rows:
    """Cases as rows.

    Args:
        cases: recorded or simulated.
        what: what they are for, in a message.

    Raises:
        TrainingError: there is no fault among them, or nothing else.
    """
    kinds = np.array([case.outcomes[FINE].kind for case in cases], dtype=np.str_)
    known = np.isin(kinds, ("quiet", "benign", "fault"))
    faults = kinds[known] == "fault"
    if not faults.any() or faults.all():
        raise TrainingError(
            f"the {what} rows need labelled faults and quiet ones; {int(faults.sum())} of {len(faults)} are "
            "faults: record more"
        )
    given = arrays([case.context for case, keep in zip(cases, known, strict=True) if keep])
    window, _ = tensors(given)
    return Rows(given, window, seen_of(given), faults, kinds[known] == "quiet", _calm(cases, kinds)[known])


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


def _calm(cases: Sequence[ConsensusCase], kinds: NDArray[np.str_]) -> NDArray[np.int64]:
    """Run lengths by group, in the order given."""
    lengths: dict[str, int] = {}
    found = np.zeros(len(cases), np.int64)
    for place, (case, kind) in enumerate(zip(cases, kinds, strict=True)):
        lengths[case.group] = lengths.get(case.group, 0) + 1 if kind in ("quiet", "benign") else 0
        found[place] = lengths[case.group]
    return found
