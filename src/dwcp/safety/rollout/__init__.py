"""Staged rollout of a candidate version: shadow, canary, shares, region by region, with the way back."""

from dwcp.safety.rollout.deciding import Standing, breach_of
from dwcp.safety.rollout.gates import LIMITS, Finding, Metric, RolloutGate, Verdict
from dwcp.safety.rollout.kill import KillSwitch, KillSwitches
from dwcp.safety.rollout.measuring import Arm, Measurement
from dwcp.safety.rollout.plan import DEFAULT_REGION, RolloutPlan, StageTerms, usual_plan
from dwcp.safety.rollout.rollout import Rollout, rollout_tasks
from dwcp.safety.rollout.stages import STAGES, TRANSITIONS, Event, Stage
from dwcp.safety.rollout.state import Entry, Region, RolloutState, Start
from dwcp.safety.rollout.steering import Assignment

__all__ = [
    "DEFAULT_REGION",
    "LIMITS",
    "STAGES",
    "TRANSITIONS",
    "Arm",
    "Assignment",
    "Entry",
    "Event",
    "Finding",
    "KillSwitch",
    "KillSwitches",
    "Measurement",
    "Metric",
    "Region",
    "Rollout",
    "RolloutGate",
    "RolloutPlan",
    "RolloutState",
    "Stage",
    "StageTerms",
    "Standing",
    "Start",
    "Verdict",
    "breach_of",
    "rollout_tasks",
    "usual_plan",
]
