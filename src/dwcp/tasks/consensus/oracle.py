"""The cost of an outcome; the oracle is the argmin of it over both answers."""

from collections.abc import Mapping

from dwcp.tasks.consensus.contract import Action, Context, Kind, Outcome

__all__ = ["cost_rows", "outcomes"]


def cost_rows(context: Context, outcome: Outcome) -> float:  # noqa: ARG001
    """One row for a flag where all was well, or for none in a fault; nothing where nobody can tell."""
    wrong = {"quiet": outcome.alarmed, "benign": outcome.alarmed, "fault": not outcome.alarmed}
    return float(wrong.get(outcome.kind, False))


def outcomes(kind: Kind, event: str = "") -> Mapping[Action, Outcome]:
    """What either answer would have come to."""
    return {Action(flag): Outcome(flag, kind, event) for flag in (False, True)}
