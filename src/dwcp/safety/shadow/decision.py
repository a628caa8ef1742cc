"""One line of a shadow log: what the champion did, what the candidate would have done, and what came of it.

A log is a file of JSON lines. Each holds one decision::

    {"when_s": 1767225600.0, "task": "compression", "unit": "link-7", "id": "4f1c", "champion": "1.3.0",
     "candidate": "1.4.0", "champion_action": {"codec": "zstd", "level": 3},
     "candidate_action": {"codec": "lz4", "level": 1}, "latency_ms": 0.21}

or, once it is known, the outcome of one that was logged before, by its ``task`` and ``id``::

    {"task": "compression", "id": "4f1c", "correct": true, "champion_cost": 1.8, "candidate_cost": 1.6,
     "champion_regret": 0.2, "candidate_regret": 0.0}

A decision whose outcome is known at once has both in one line. ``correct`` is the task's own judgement of the
*candidate's* answer against what was measured, the same as its evaluation calls accuracy: a forecast within
its tolerance, the choice whose measured cost is the least. ``failure`` is why the candidate gave no answer
that could be used (an error, a deadline, an answer out of range); it is empty, or not there, where it gave
one. Costs and regrets are in the task's cost unit; those that are not known are not there.
"""

from typing import Any

import msgspec

__all__ = ["ShadowDecision", "ShadowOutcome"]


class ShadowOutcome(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What came of a decision.

    Attributes:
        task: which decided.
        id: of the decision.
        correct: whether the candidate's answer was right, as the task judges it; None where it is not known.
        champion_cost: of what was done, in the task's cost unit.
        candidate_cost: of what the candidate would have done.
        champion_regret: its cost above that of the best alternative.
        candidate_regret: likewise.
    """

    task: str
    id: str
    correct: bool | None = None
    champion_cost: float | None = None
    candidate_cost: float | None = None
    champion_regret: float | None = None
    candidate_regret: float | None = None


class ShadowDecision(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the champion did and the candidate would have done.

    Attributes:
        when_s: seconds since 1970, UTC.
        task: which decides.
        unit: about what, e.g. a link or a node; its decisions resemble each other.
        champion: version that served; empty where the fallback did.
        candidate: version in the shadow.
        champion_action: as JSON values.
        candidate_action: likewise; None after a failure.
        latency_ms: that the candidate took.
        id: by which its outcome is told; empty where none will be.
        failure: why the candidate gave no usable answer; empty where it gave one.
        correct: as of `ShadowOutcome`, and so the rest.
        champion_cost: see there.
        candidate_cost: see there.
        champion_regret: see there.
        candidate_regret: see there.
    """

    when_s: float
    task: str
    unit: str
    champion: str
    candidate: str
    champion_action: Any
    candidate_action: Any
    latency_ms: float
    id: str = ""
    failure: str = ""
    correct: bool | None = None
    champion_cost: float | None = None
    candidate_cost: float | None = None
    champion_regret: float | None = None
    candidate_regret: float | None = None
