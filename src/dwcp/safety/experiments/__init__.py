"""Experiments: sticky arms, exposures logged once, sequences to be looked at daily, a recommendation."""

from dwcp.safety.experiments.analysis import Analysis, analyse
from dwcp.safety.experiments.assignment import Experiment
from dwcp.safety.experiments.book import ExperimentBook, ExperimentRecord, JournalLine
from dwcp.safety.experiments.comparison import Comparison, Look
from dwcp.safety.experiments.life import TRANSITIONS, ExperimentEvent, ExperimentState
from dwcp.safety.experiments.log import ExperimentLog, LogStats
from dwcp.safety.experiments.observations import Exposure, Observations, Outcome, observations_of
from dwcp.safety.experiments.plan import Arm, ExperimentPlan, Metric, MetricKind, metric_values
from dwcp.safety.experiments.recommendation import (
    ArmFinding,
    Recommendation,
    Standing,
    Verdict,
    standing_of,
)
from dwcp.safety.experiments.sample_ratio import SAMPLE_RATIO_THRESHOLD, SampleRatio, check_sample_ratio
from dwcp.safety.experiments.sequences import (
    Moments,
    asymptotic_width,
    difference_of_means,
    proportion_sequence,
    smoothed_variance,
)

__all__ = [
    "SAMPLE_RATIO_THRESHOLD",
    "TRANSITIONS",
    "Analysis",
    "Arm",
    "ArmFinding",
    "Comparison",
    "Experiment",
    "ExperimentBook",
    "ExperimentEvent",
    "ExperimentLog",
    "ExperimentPlan",
    "ExperimentRecord",
    "ExperimentState",
    "Exposure",
    "JournalLine",
    "LogStats",
    "Look",
    "Metric",
    "MetricKind",
    "Moments",
    "Observations",
    "Outcome",
    "Recommendation",
    "SampleRatio",
    "Standing",
    "Verdict",
    "analyse",
    "asymptotic_width",
    "check_sample_ratio",
    "difference_of_means",
    "metric_values",
    "observations_of",
    "proportion_sequence",
    "smoothed_variance",
    "standing_of",
]
