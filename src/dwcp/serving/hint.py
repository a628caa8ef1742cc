"""What a caller gets: an action, always, with the reason it was chosen."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Generic, TypeVar

from msgspec import Struct, field

__all__ = ["Hint", "ModelRef", "Reason"]

ActionT = TypeVar("ActionT")


class Reason(StrEnum):
    """Why the action is what it is."""

    MODEL = "MODEL"
    FALLBACK_NO_MODEL = "FALLBACK_NO_MODEL"
    FALLBACK_BREAKER_OPEN = "FALLBACK_BREAKER_OPEN"
    FALLBACK_DEADLINE = "FALLBACK_DEADLINE"
    FALLBACK_ERROR = "FALLBACK_ERROR"
    FALLBACK_LOW_CONFIDENCE = "FALLBACK_LOW_CONFIDENCE"
    FALLBACK_SCHEMA_MISMATCH = "FALLBACK_SCHEMA_MISMATCH"
    FALLBACK_OUT_OF_RANGE = "FALLBACK_OUT_OF_RANGE"
    ROLLOUT_CONTROL = "ROLLOUT_CONTROL"
    EXPERIMENT_CONTROL = "EXPERIMENT_CONTROL"
    KILL_SWITCH = "KILL_SWITCH"


class ModelRef(Struct, frozen=True):
    """Which model answered."""

    task: str
    version: str
    digest: str


class Hint(Struct, Generic[ActionT], frozen=True):
    """An action with its reason.

    Attributes:
        action: what to do; always admissible for the context that was asked about.
        reason: why.
        confidence: between 0 and 1.
        model: the model that answered, or would have; None when there is none.
        costs: predicted cost of the alternatives in the task's cost unit; empty when not predicted.
        curious: alternatives the model would like to have measured off the hot path, when there is time.
        detail: a few words on a fallback (the error, the range, what is not installed); empty for MODEL.
        latency_ms: how long the asking took.
    """

    action: ActionT
    reason: Reason
    confidence: float
    model: ModelRef | None
    costs: Mapping[ActionT, float] = field(default_factory=dict)
    curious: tuple[ActionT, ...] = ()
    detail: str = ""
    latency_ms: float = 0.0
