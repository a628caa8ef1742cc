"""What hints did and what came of them, as Prometheus metrics: `dwcp.serving.metrics.routes` serves them."""

from dwcp.serving.metrics.forecasts import ForecastPoint, Forecasts, LinkState
from dwcp.serving.metrics.judgements import CONTROL, DAY_S, MODEL, SLOT_S, Judgements
from dwcp.serving.metrics.observed import Observed
from dwcp.serving.metrics.safety_views import drift_views, experiment_views, rollout_views
from dwcp.serving.metrics.tallies import Tally
from dwcp.serving.metrics.views import (
    ArmView,
    CodecFigures,
    DriftView,
    ExperimentView,
    RolloutView,
    StoreFigures,
)

__all__ = [
    "CONTROL",
    "DAY_S",
    "MODEL",
    "SLOT_S",
    "ArmView",
    "CodecFigures",
    "DriftView",
    "ExperimentView",
    "ForecastPoint",
    "Forecasts",
    "Judgements",
    "LinkState",
    "Observed",
    "RolloutView",
    "StoreFigures",
    "Tally",
    "drift_views",
    "experiment_views",
    "rollout_views",
]
