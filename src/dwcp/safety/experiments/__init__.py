"""Experiments: sticky arms, exposures logged once, sequences to be looked at daily, a recommendation."""

from dwcp.safety.experiments.analysis import Analysis, analyse
from dwcp.safety.experiments.assignment import Experiment
from dwcp.safety.experiments.book import ExperimentBook, ExperimentRecord, JournalLine
from dwcp.safety.experiments.chi_square import chi_square_p_value
from dwcp.safety.experiments.comparison import Comparison, Look
from dwcp.safety.experiments.json_lines import JsonLines, append_lines, locked, read_lines
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
    "JsonLines",
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
    "append_lines",
    "asymptotic_width",
    "check_sample_ratio",
    "chi_square_p_value",
    "difference_of_means",
    "locked",
    "metric_values",
    "observations_of",
    "proportion_sequence",
    "read_lines",
    "smoothed_variance",
    "standing_of",
]
