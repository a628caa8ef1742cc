"""Parity: the exported graph must say what the trained model says.

Floats may differ by the tolerance as a share of the expected value, or of the output's median magnitude where
that is larger; NaN equals NaN. Integers must be equal, with one allowance: where an integer output is the
position of the smallest value in each row of a float output ``[batch, alternatives]`` (a choice among
predicted costs), a row may choose another alternative whose cost is within twice the tolerance of the
smallest. Two sums of the same leaves in another order can swap such a tie.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from dwcp.errors import ParityError
from dwcp.task import Arrays, Fitted
from dwcp.training.graph import ExportedGraph

__all__ = ["check_parity", "decided_rows"]

Array = NDArray[np.generic]
Floats = NDArray[np.float64]


def check_parity(fitted: Fitted, content: bytes, arrays: Arrays, tolerance: float = 1e-5) -> float:
    """Ask the trained model and its export for the same rows, and compare every output.

    Args:
        fitted: the trained model.
        content: its export.
        arrays: the rows to ask for, batch dimension first; cover missing and extreme values.
        tolerance: difference allowed, as a share.

    Returns:
        The largest difference found between floats, as a share.

    Raises:
        ParityError: an output is missing, misshapen or off; the message names output, row and both values.
        TrainingError: the export cannot be loaded or run.
    """
    expected = fitted.predict(arrays)
    given = ExportedGraph(content).run(arrays)
    if set(expected) != set(given):
        raise ParityError(f"the export answers {sorted(given)}, the trained model {sorted(expected)}")
    worst = 0.0
    for name, wanted in expected.items():
        answer = given[name]
        if (answer.dtype, answer.shape) != (wanted.dtype, wanted.shape):
            raise ParityError(
                f"output {name!r} is {answer.dtype}{list(answer.shape)} in the export and "
                f"{wanted.dtype}{list(wanted.shape)} in the trained model"
            )
        if wanted.dtype.kind == "f":
            worst = max(worst, _compare_floats(name, wanted, answer, tolerance))
        else:
            _compare_integers(name, wanted, answer, expected, tolerance)
    return worst


def decided_rows(outputs: Arrays, tolerance: float) -> NDArray[np.bool_]:
    """Which rows hold no near-tie: rows every runtime must answer alike, shape ``[batch]``.

    Args:
        outputs: what a graph answered, one output or more.
        tolerance: how near to the smallest cost, as a share, another must be to count as a tie.
    """
    rows = len(next(iter(outputs.values())))
    decided = np.ones(rows, dtype=np.bool_)
    for choice in outputs.values():
        for gaps in _deciding_gaps(choice, outputs, tolerance):
            decided &= np.count_nonzero(gaps <= tolerance, axis=1) == 1
    return decided


def _compare_floats(name: str, wanted: Array, answer: Array, tolerance: float) -> float:
    if wanted.size == 0:
        return 0.0
    expected = wanted.astype(np.float64)
    differences = _difference(expected, answer.astype(np.float64), _typical(expected))
    place = tuple(int(i) for i in np.unravel_index(int(np.argmax(differences)), differences.shape))
    worst = float(differences[place])
    if worst > tolerance:
        raise _off(name, place, wanted, answer, f"a difference of {worst:.3g} where {tolerance:g} is allowed")
    return worst


def _compare_integers(name: str, wanted: Array, answer: Array, outputs: Arrays, tolerance: float) -> None:
    differing = np.argwhere(wanted != answer)
    if len(differing) == 0:
        return
    deciding = list(_deciding_gaps(wanted, outputs, tolerance))
    for index in differing:
        place = tuple(int(i) for i in index)
        chosen = int(answer[place])
        if not any(
            0 <= chosen < gaps.shape[1] and gaps[place[0], chosen] <= 2 * tolerance for gaps in deciding
        ):
            raise _off(name, place, wanted, answer, "and no tie explains it")


def _deciding_gaps(choice: Array, outputs: Arrays, tolerance: float) -> Iterator[Floats]:
    """For each float output whose smallest value ``choice`` points at in every row, the gaps to it."""
    if choice.dtype.kind != "i" or choice.ndim != 1:
        return
    positions = choice.astype(np.int64)
    for output in outputs.values():
        if output.dtype.kind != "f" or output.ndim != 2:
            continue
        if not np.all((positions >= 0) & (positions < output.shape[1])):
            continue
        costs = output.astype(np.float64)
        smallest = np.broadcast_to(costs.min(axis=1, keepdims=True), costs.shape)
        gaps = _difference(smallest, costs, _typical(smallest))
        if np.all(gaps[np.arange(len(positions)), positions] <= tolerance):
            yield gaps


def _typical(values: Floats) -> float:
    """The median magnitude of what is finite and not zero; 1 where there is nothing."""
    known = np.abs(values[np.isfinite(values) & (values != 0)])
    return float(np.median(known)) if known.size else 1.0


def _difference(wanted: Floats, answer: Floats, typical: float) -> Floats:
    """Share of ``max(|wanted|, typical)``; infinite between unequal values that are not both finite."""
    same = (wanted == answer) | (np.isnan(wanted) & np.isnan(answer))
    finite = np.isfinite(wanted) & np.isfinite(answer)
    with np.errstate(invalid="ignore"):
        share = np.abs(wanted - answer) / np.maximum(np.abs(wanted), typical)
    return np.where(same, 0.0, np.where(finite, share, np.inf))


def _off(name: str, place: tuple[int, ...], wanted: Array, answer: Array, why: str) -> ParityError:
    where = f"row {place[0]}" + (f" at {list(place[1:])}" if len(place) > 1 else "")
    return ParityError(
        f"output {name!r}, {where}: the trained model says {wanted[place]}, the export {answer[place]}, {why}"
    )
