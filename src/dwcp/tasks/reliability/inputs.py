"""Contexts as the raw arrays the graph is fed. Missing numbers are -1; every feature is made in the graph."""

from collections.abc import Sequence
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from dwcp.features.spec import InputColumn, InputSpec
from dwcp.task import Arrays, OutputColumn
from dwcp.tasks.reliability.contract import METRICS, STEPS, Context, Sample
from dwcp.tasks.reliability.names import FEATURES

__all__ = ["MISSING", "OUTPUTS", "SPEC", "arrays", "window"]

MISSING = -1.0
_LARGEST = 1e9

SPEC = InputSpec(
    task="reliability",
    columns=(
        InputColumn(
            "window",
            "float32",
            (STEPS, len(METRICS)),
            "mixed",
            "the node's samples, the newest last; -1: not measured",
            MISSING,
            _LARGEST,
        ),
        InputColumn(
            "peers",
            "float32",
            (STEPS, len(METRICS)),
            "mixed",
            "medians of its peers, the newest last; -1: not measured",
            MISSING,
            _LARGEST,
        ),
    ),
    vocabularies=(("metrics", METRICS), ("features", FEATURES)),
)
"""What the graph is fed."""

OUTPUTS = (
    OutputColumn("margin", "float32", (), "1", "calibrated log odds of an anomaly"),
    OutputColumn("threshold", "float32", (), "1", "margin above which quiet training data rarely came"),
    OutputColumn("novelty", "float32", (), "1", "score of the isolation forest, 0 to 1"),
    OutputColumn("deviation", "float32", (len(FEATURES),), "1", "robust deviations; 0 for unused features"),
)
"""What the graph answers."""

_values = attrgetter(*METRICS)


def arrays(contexts: Sequence[Context]) -> Arrays:
    """Contexts to arrays."""
    return {
        "window": _stacked([context.steps for context in contexts]),
        "peers": _stacked([context.peers for context in contexts]),
    }


def window(steps: Sequence[Sample]) -> NDArray[np.float64]:
    """Samples as numbers, NaN where not measured, shape ``(STEPS, metrics)``, the newest last."""
    made = np.full((STEPS, len(METRICS)), np.nan)
    if latest := [_values(step) for step in steps[-STEPS:]]:
        made[-len(latest) :] = np.array(latest, dtype=np.float64)
    return made


def _stacked(samples: Sequence[tuple[Sample, ...]]) -> NDArray[np.float32]:
    made = np.array([window(steps) for steps in samples]).reshape(-1, STEPS, len(METRICS))
    known = np.isfinite(made) & (made >= 0)
    return np.where(known, np.minimum(np.where(known, made, 0.0), _LARGEST), MISSING).astype(np.float32)
