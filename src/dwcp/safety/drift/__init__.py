"""Drift: whether inputs, predictions and regret still look as they did, and whether to train again."""

from dwcp.safety.drift.level import DriftLevel, worst
from dwcp.safety.drift.monitor import DriftMonitor, DriftSettings
from dwcp.safety.drift.page_hinkley import RegretDetector
from dwcp.safety.drift.report import (
    ColumnDrift,
    DriftReport,
    OutcomeDrift,
    Retraining,
    RetrainingRule,
    retraining_wanted,
)
from dwcp.safety.drift.sketch import Categories, Quantiles, Reference, Role, Value, sketch, sketch_column
from dwcp.safety.drift.statistics import (
    chi_square_homogeneity,
    holm,
    kolmogorov_p_value,
    population_stability,
)
from dwcp.safety.drift.window import RecentRows

__all__ = [
    "Categories",
    "ColumnDrift",
    "DriftLevel",
    "DriftMonitor",
    "DriftReport",
    "DriftSettings",
    "OutcomeDrift",
    "Quantiles",
    "RecentRows",
    "Reference",
    "RegretDetector",
    "Retraining",
    "RetrainingRule",
    "Role",
    "Value",
    "chi_square_homogeneity",
    "holm",
    "kolmogorov_p_value",
    "population_stability",
    "retraining_wanted",
    "sketch",
    "sketch_column",
    "worst",
]
