"""The experts that are blended: every simple forecast, and a trained graph where there is one."""

import math
from dataclasses import dataclass, replace

import numpy as np

from dwcp.task import Arrays, Graph
from dwcp.tasks.bandwidth.contract import Context
from dwcp.tasks.bandwidth.inputs import arrays
from dwcp.tasks.bandwidth.series import MOST_MBPS, Floats, Series, series_of
from dwcp.tasks.bandwidth.walks import WALKS, ahead

__all__ = ["Experts", "Told"]

_LEAST_WIDTH, _MOST_WIDTH = 0.01, 4.0
_MOST_LOG = math.log(100.0)


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What the experts say of one context.

    Attributes:
        series: what it holds.
        walks: logarithms of the simple forecasts after every step, ``(rules, 2, n)``.
        came: logarithms of what came after every step, ``(2, n)``; NaN where that is not known.
        model: logarithms of the model's median, ``(2,)``, and distances of its tails below and above,
            ``(2, 2)``; None without a model.
        within: the model's chance that the next step is within 20% of its median; None without a model.
        others: the model's RTT and jitter in ms; None without a model.
    """

    series: Series
    walks: Floats
    came: Floats
    model: tuple[Floats, Floats] | None
    within: float | None
    others: tuple[float, float] | None

    def latest(self, target: int) -> Floats:
        """Every expert's forecast of a target: the rules', then the model's."""
        rules = self.walks[:, target, -1]
        return rules if self.model is None else np.append(rules, self.model[0][target])


class Experts:
    """The simple forecasts and the graph.

    Args:
        graph: answers as `dwcp.tasks.bandwidth.inputs.OUTPUTS` says; None without a model.
    """

    def __init__(self, graph: Graph | None) -> None:
        self._graph = graph

    def __len__(self) -> int:
        """How many there are."""
        return len(WALKS) + (self._graph is not None)

    def ask(self, context: Context) -> Told | None:
        """All of them; None where nothing was measured."""
        series = series_of(context)
        if not len(series.values):
            return None
        walks = np.log(np.array([walk(series.values) for walk in WALKS.values()]))
        came = np.log(ahead(series.values))
        if self._graph is None:
            return Told(series, walks, came, None, None, None)
        answer = self._graph.run(arrays(_asked(context)))
        mids, widths, shares = _quantiles(answer, series)
        within = float(np.clip(np.asarray(answer["within_20"], np.float64), 0.0, 1.0) @ shares)
        return Told(series, walks, came, (mids, widths), within, _others(answer))


def _asked(context: Context) -> list[Context]:
    """The context; in hybrid conditions as it is seen in each of the two regimes."""
    if context.regime != "hybrid":
        return [context]
    return [replace(context, regime="datacenter"), replace(context, regime="internet")]


def _quantiles(answer: Arrays, series: Series) -> tuple[Floats, Floats, Floats]:
    """Medians and widths in logarithms, and the shares of the regimes: the surer one counts more."""
    mbps = np.minimum(np.maximum(np.asarray(answer["throughput_mbps"], np.float64), 0.0), MOST_MBPS)
    anchor = math.log(series.values[-1])
    moved = np.log(mbps + series.floor) - anchor
    logs = np.minimum(np.maximum(moved, -_MOST_LOG), _MOST_LOG) + anchor
    widths = np.minimum(np.maximum(logs[:, :, 1:] - logs[:, :, :-1], _LEAST_WIDTH), _MOST_WIDTH)
    sure = 1 / widths.sum(axis=2, keepdims=True)
    shares = sure / sure.sum(axis=0)
    return (logs[:, :, 1] * shares[:, :, 0]).sum(axis=0), (widths * shares).sum(axis=0), shares[:, 0, 0]


def _others(answer: Arrays) -> tuple[float, float]:
    rtt_ms, jitter_ms = (
        float(np.asarray(answer[name], np.float64).mean()) for name in ("rtt_ms", "jitter_ms")
    )
    return max(0.0, rtt_ms), max(0.0, jitter_ms)
