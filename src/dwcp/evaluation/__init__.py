"""Judging policies: splits, replay, oracle, baselines, metrics, intervals, gates, tables and the report."""

from dwcp.evaluation.classification import (
    average_precision,
    balanced_accuracy,
    f1_per_class,
    macro_f1,
    roc_auc,
)
from dwcp.evaluation.files import atomic_write
from dwcp.evaluation.gates import Gate, GateResult, check_gates
from dwcp.evaluation.intervals import (
    Bootstrap,
    Interval,
    difference_interval,
    mean_interval,
    ratio_interval,
    saving_interval,
)
from dwcp.evaluation.metrics import (
    Agreement,
    Disagreement,
    MarginF1,
    agreement,
    disagreements,
    f1_by_margin,
    gain,
    margins,
    regrets,
    strict_accuracy,
    summary,
    within,
)
from dwcp.evaluation.naive import ConstantPolicy, best_fixed
from dwcp.evaluation.oracle import Cost, OraclePolicy, alternative_costs
from dwcp.evaluation.policy import Case, Decision, Hindsight, Policy, State
from dwcp.evaluation.regression import (
    mean_absolute_error,
    mean_absolute_percentage_error,
    quantile_loss,
    r2_score,
    skill,
)
from dwcp.evaluation.replay import Replay, judge, replay
from dwcp.evaluation.splits import Shares, Split, leave_one_group_out, split_by_group, split_by_time
from dwcp.evaluation.tables import Comparison, Figure, Metric, PolicyRow, compare, figure_parts, format_figure

__all__ = [
    "Agreement",
    "Bootstrap",
    "Case",
    "Comparison",
    "ConstantPolicy",
    "Cost",
    "Decision",
    "Disagreement",
    "Figure",
    "Gate",
    "GateResult",
    "Hindsight",
    "Interval",
    "MarginF1",
    "Metric",
    "OraclePolicy",
    "Policy",
    "PolicyRow",
    "Replay",
    "Shares",
    "Split",
    "State",
    "agreement",
    "alternative_costs",
    "atomic_write",
    "average_precision",
    "balanced_accuracy",
    "best_fixed",
    "check_gates",
    "compare",
    "difference_interval",
    "disagreements",
    "f1_by_margin",
    "f1_per_class",
    "figure_parts",
    "format_figure",
    "gain",
    "judge",
    "leave_one_group_out",
    "macro_f1",
    "margins",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_interval",
    "quantile_loss",
    "r2_score",
    "ratio_interval",
    "regrets",
    "replay",
    "roc_auc",
    "saving_interval",
    "skill",
    "split_by_group",
    "split_by_time",
    "strict_accuracy",
    "summary",
    "within",
]
