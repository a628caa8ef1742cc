"""Contexts as the raw arrays the graph is fed. Missing numbers are -1; every feature is made in the graph."""

from collections.abc import Sequence
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from dwcp.features.spec import InputColumn, InputSpec
from dwcp.task import Arrays, OutputColumn
from dwcp.tasks.consensus.contract import MEASURES, STEPS, Context, Level, Step
from dwcp.tasks.consensus.names import CHANNELS, FEATURES

__all__ = ["MISSING", "OUTPUTS", "PARTS", "SPEC", "arrays", "row_of", "window"]

MISSING = -1.0
_LARGEST = 1e9

PARTS = ("trees", "autoencoder", "forecaster", "deviation", "rules")
"""The detectors that are fused."""

SPEC = InputSpec(
    task="consensus",
    columns=(
        InputColumn(
            "window",
            "float32",
            (STEPS, len(MEASURES)),
            "mixed",
            "the group's seconds, the newest last; -1: not measured, or no such second",
            MISSING,
            _LARGEST,
        ),
        InputColumn(
            "usual",
            "float32",
            (2, len(MEASURES)),
            "mixed",
            "median and robust deviation in quiet seconds; -1: not known",
            MISSING,
            _LARGEST,
        ),
    ),
    vocabularies=(("measures", MEASURES), ("features", FEATURES), ("parts", PARTS)),
)
"""What the graph is fed."""

OUTPUTS = (
    OutputColumn("margin", "float32", (), "1", "calibrated log odds of an anomaly"),
    OutputColumn("threshold", "float32", (), "1", "margin above which quiet training data rarely came"),
    OutputColumn("parts", "float32", (len(PARTS),), "1", "score of each detector, before they are fused"),
    OutputColumn("deviation", "float32", (len(CHANNELS),), "1", "robust deviations of the latest seconds"),
    OutputColumn("weight", "float32", (len(CHANNELS),), "1", "how much a channel counts as evidence, 0 to 1"),
)
"""What the graph answers."""

_values = attrgetter(*MEASURES)


def arrays(contexts: Sequence[Context], usual: Sequence[tuple[Level, ...]] | None = None) -> Arrays:
    """Contexts to arrays.

    Args:
        contexts: what is known.
        usual: levels to go by instead of the contexts' own, one for each; empty ones count as unknown.
    """
    levels = [context.usual for context in contexts] if usual is None else usual
    made = np.full((len(contexts), STEPS, len(MEASURES)), MISSING, np.float32)
    rows: dict[int, NDArray[np.float32]] = {}
    for place, context in enumerate(contexts):
        latest = context.steps[-STEPS:]
        for step in latest:
            if id(step) not in rows:
                rows[id(step)] = _bounded(row_of(step))
        if latest:
            made[place, -len(latest) :] = [rows[id(step)] for step in latest]
    return {"window": made, "usual": _levels(levels)}


def row_of(step: Step) -> NDArray[np.float64]:
    """A second as numbers in the order of `MEASURES`, NaN where not measured."""
    return np.array(_values(step), dtype=np.float64)


def window(steps: Sequence[Step]) -> NDArray[np.float64]:
    """Seconds as numbers, NaN where not measured, shape ``(STEPS, measures)``, the newest last."""
    made = np.full((STEPS, len(MEASURES)), np.nan)
    if latest := [row_of(step) for step in steps[-STEPS:]]:
        made[-len(latest) :] = latest
    return made


def _levels(usual: Sequence[tuple[Level, ...]]) -> NDArray[np.float32]:
    made = np.full((len(usual), 2, len(MEASURES)), MISSING, np.float32)
    known: dict[int, NDArray[np.float32]] = {}
    for place, levels in enumerate(usual):
        if len(levels) == len(MEASURES):
            if id(levels) not in known:
                known[id(levels)] = _bounded(np.array(levels, dtype=np.float64).T)
            made[place] = known[id(levels)]
    return made


def _bounded(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """What cannot be true is missing."""
    known = np.isfinite(values) & (values >= 0)
    return np.where(known, np.minimum(np.where(known, values, 0.0), _LARGEST), MISSING).astype(np.float32)
