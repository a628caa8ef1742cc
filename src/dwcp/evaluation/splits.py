"""Splits that keep a group whole: nothing of a test group is ever trained on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from random import Random
from typing import Any, Generic, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from dwcp.errors import InputError
from dwcp.evaluation.policy import Case

__all__ = ["Shares", "Split", "leave_one_group_out", "split_by_group", "split_by_time"]

CaseT = TypeVar("CaseT", bound=Case[Any, Any, Any])

Shares: TypeAlias = tuple[float, float, float]
"""How much goes to training, validation and test: positive weights, of which only the ratio counts."""

_PARTS = 3


@dataclass(frozen=True, slots=True)
class Split(Generic[CaseT]):
    """Three parts without a group in common; cases keep the order they were given in.

    Attributes:
        train: what models are fitted on.
        validation: what thresholds, weights and early stopping are chosen on.
        test: what figures are reported on, once.
    """

    train: tuple[CaseT, ...]
    validation: tuple[CaseT, ...]
    test: tuple[CaseT, ...]


def split_by_group(cases: Sequence[CaseT], shares: Shares, seed: int) -> Split[CaseT]:
    """Deal whole groups to three parts, near the wished shares of cases and never leaving a part empty.

    Groups are shuffled by the seed, then each goes to the part that is furthest below its share.

    Args:
        cases: what to split.
        shares: weights of training, validation and test.
        seed: seed of the shuffle; the same seed and groups give the same split.

    Raises:
        InputError: fewer than three groups, or a share that is not positive.
    """
    sizes = _group_sizes(cases, shares)
    groups = sorted(sizes)
    Random(seed).shuffle(groups)
    return Split(*_collect(cases, _deal(groups, sizes, shares)))


def split_by_time(cases: Sequence[CaseT], shares: Shares) -> Split[CaseT]:
    """Split by time and by group: no group in two parts, and each part older than the next.

    Whole groups, ordered by the middle of their time span, are dealt to training, validation and test.
    Where groups of neighbouring parts overlap in time, the cases on the wrong side of the cut are left
    out; the two cuts are chosen so that the part that loses the largest share of its cases loses the
    least. Groups one after the other lose nothing; groups that all span the same time lose two thirds.

    Args:
        cases: what to split; their times must be of one clock.
        shares: weights of training, validation and test, before cases are left out.

    Raises:
        InputError: fewer than three groups, a share that is not positive, or no cut in time leaves every
            part with cases.
    """
    sizes = _group_sizes(cases, shares)
    times: dict[str, list[float]] = {}
    for case in cases:
        times.setdefault(case.group, []).append(case.time_s)
    groups = sorted(sizes, key=lambda group: (min(times[group]) + max(times[group]), group))
    parts = _collect(cases, _deal_in_order(groups, sizes, shares))
    first, second = _cuts([np.sort([case.time_s for case in part]) for part in parts])
    return Split(
        tuple(case for case in parts[0] if case.time_s <= first),
        tuple(case for case in parts[1] if first < case.time_s <= second),
        tuple(case for case in parts[2] if case.time_s > second),
    )


def leave_one_group_out(
    cases: Sequence[CaseT],
) -> Iterator[tuple[str, tuple[CaseT, ...], tuple[CaseT, ...]]]:
    """Each group in turn as the test, all others as training: ``(group, train, test)``, by group name.

    Raises:
        InputError: fewer than two groups.
    """
    groups = sorted({case.group for case in cases})
    if len(groups) < 2:
        raise InputError(f"leaving one group out takes two groups or more, not {len(groups)}")
    return (
        (
            group,
            tuple(case for case in cases if case.group != group),
            tuple(case for case in cases if case.group == group),
        )
        for group in groups
    )


def _group_sizes(cases: Sequence[CaseT], shares: Shares) -> dict[str, int]:
    if len(shares) != _PARTS or not all(0 < share < float("inf") for share in shares):
        raise InputError(f"shares must be three positive numbers (train, validation, test), not {shares}")
    sizes: dict[str, int] = {}
    for case in cases:
        sizes[case.group] = sizes.get(case.group, 0) + 1
    if len(sizes) < _PARTS:
        raise InputError(
            f"{len(sizes)} group(s) cannot be split into training, validation and test, which may share "
            "none; record three groups or more"
        )
    return sizes


def _deal(groups: Sequence[str], sizes: Mapping[str, int], shares: Shares) -> dict[str, int]:
    """The part (0, 1 or 2) of each group: the one furthest below its share, or one that would stay empty."""
    wished = np.asarray(shares) / sum(shares) * sum(sizes.values())
    held = np.zeros(_PARTS)
    part_of: dict[str, int] = {}
    for dealt, group in enumerate(groups):
        missing = wished - held
        empty = held == 0
        if len(groups) - dealt <= empty.sum():
            missing[~empty] = -np.inf
        part = int(np.argmax(missing))
        part_of[group] = part
        held[part] += sizes[group]
    return part_of


def _deal_in_order(groups: Sequence[str], sizes: Mapping[str, int], shares: Shares) -> dict[str, int]:
    """Runs of neighbouring groups: each goes where its middle case falls, every part getting one."""
    ends = np.cumsum(np.asarray(shares) / sum(shares) * sum(sizes.values()))[:-1]
    middles = np.cumsum([sizes[group] for group in groups]) - [sizes[group] / 2 for group in groups]
    first, second = np.searchsorted(middles, ends)
    first = min(max(first, 1), len(groups) - 2)
    second = min(max(second, first + 1), len(groups) - 1)
    return {group: int(place >= first) + int(place >= second) for place, group in enumerate(groups)}


def _collect(cases: Sequence[CaseT], part_of: Mapping[str, int]) -> list[tuple[CaseT, ...]]:
    return [tuple(case for case in cases if part_of[case.group] == part) for part in range(_PARTS)]


def _cuts(times: Sequence[NDArray[np.float64]]) -> tuple[float, float]:
    """The last training and the last validation time, keeping the largest whole percentage of each part."""
    train, validation, test = times
    for percent in range(100, 0, -1):
        keep = [ceil(len(part) * percent / 100) for part in times]
        first = train[keep[0] - 1]
        later = validation[validation > first]
        if len(later) < keep[1]:
            continue
        second = later[keep[1] - 1]
        if np.count_nonzero(test > second) >= keep[2]:
            return float(first), float(second)
    raise InputError(
        "no cut in time leaves training, validation and test with cases each: the groups cover the same "
        "moments; split by group instead"
    )
