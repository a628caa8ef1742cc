"""The stages of a rollout in one region, and every move between them.

Theory
======

A region's rollout is in one of nine stages and moves by eight events, one table (`TRANSITIONS`)::

    PENDING ──OPENED──► SHADOW ──► CANARY_5 ──► SHARE_25 ──► SHARE_50 ──► SHARE_75 ──► SHARE_100 ──► COMPLETE
       │                  │           │            │            │            │             │             │
       └──────────────────┴───────────┴────────────┴────────────┴────────────┴─────────────┴─────────────┤
                                   BREACHED, WITHDRAWN (from any of them)                                 ▼
                                                                                                    ROLLED_BACK

- *Forward*, one stage at a time, by one of three events. PASSED: the hold is over (its time and its
  samples), every gate passes, and no person is asked. APPROVED: the same, and a person said yes. ADVANCED: a
  person does not want to wait; nothing fails, but the hold may not be over, or a gate may be inconclusive.
- *Pending*: the regions of an earlier wave are not complete. OPENED: they are.
- *Back*: BREACHED: a gate fails, at any stage, also during a hold, while a person is waited for, and after
  completion while other regions go on. WITHDRAWN: a person said so. *Rolled back* is left by no event: only a
  new rollout begins again.

While a person is waited for, the region is in its stage as before: same share, same gates, same way back.

Two events belong to the rollout as a whole: STARTED lays a plan, all regions pending; PROMOTED says that the
candidate, complete everywhere, is now the champion. The model is promoted by whoever holds the registry.

In *shadow* the candidate is asked and scored, never used. After it the share of units that get the candidate
only grows, and as a unit's bucket stays, who got the candidate at 5% gets it at 25%.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

__all__ = ["FORWARD", "STAGES", "TRANSITIONS", "Event", "Stage", "is_live"]


class Stage(StrEnum):
    """Where a region is."""

    PENDING = "pending"
    SHADOW = "shadow"
    CANARY_5 = "canary_5"
    SHARE_25 = "share_25"
    SHARE_50 = "share_50"
    SHARE_75 = "share_75"
    SHARE_100 = "share_100"
    COMPLETE = "complete"
    ROLLED_BACK = "rolled_back"

    @property
    def percent(self) -> int:
        """Share of the units that get the candidate."""
        return _PERCENT.get(self, 0)

    @property
    def words(self) -> str:
        """As people say it."""
        words = {Stage.CANARY_5: "canary 5%", Stage.ROLLED_BACK: "rolled back"}
        return words.get(self, f"{self.percent}%" if self.value.startswith("share") else self.value)


class Event(StrEnum):
    """What moves a region, or the rollout as a whole."""

    STARTED = "started"
    OPENED = "opened"
    PASSED = "passed"
    APPROVED = "approved"
    ADVANCED = "advanced"
    BREACHED = "breached"
    WITHDRAWN = "withdrawn"
    PROMOTED = "promoted"


FORWARD = (Event.PASSED, Event.APPROVED, Event.ADVANCED)
"""The events that move a region one stage on."""

STAGES = (
    Stage.SHADOW,
    Stage.CANARY_5,
    Stage.SHARE_25,
    Stage.SHARE_50,
    Stage.SHARE_75,
    Stage.SHARE_100,
)
"""The stages that have terms in a plan, in order."""

_PERCENT = {
    Stage.CANARY_5: 5,
    Stage.SHARE_25: 25,
    Stage.SHARE_50: 50,
    Stage.SHARE_75: 75,
    Stage.SHARE_100: 100,
    Stage.COMPLETE: 100,
}
_BACK = {Event.BREACHED: Stage.ROLLED_BACK, Event.WITHDRAWN: Stage.ROLLED_BACK}


def _on_to(following: Stage) -> Mapping[Event, Stage]:
    return MappingProxyType(dict.fromkeys(FORWARD, following) | _BACK)


TRANSITIONS: Mapping[Stage, Mapping[Event, Stage]] = MappingProxyType(
    {
        Stage.PENDING: MappingProxyType(
            {Event.OPENED: Stage.SHADOW, Event.ADVANCED: Stage.SHADOW} | _BACK,
        ),
        Stage.SHADOW: _on_to(Stage.CANARY_5),
        Stage.CANARY_5: _on_to(Stage.SHARE_25),
        Stage.SHARE_25: _on_to(Stage.SHARE_50),
        Stage.SHARE_50: _on_to(Stage.SHARE_75),
        Stage.SHARE_75: _on_to(Stage.SHARE_100),
        Stage.SHARE_100: _on_to(Stage.COMPLETE),
        Stage.COMPLETE: MappingProxyType(dict(_BACK)),
        Stage.ROLLED_BACK: MappingProxyType({}),
    }
)
"""Every move there is."""


def is_live(stage: Stage) -> bool:
    """Whether the candidate is asked in this stage."""
    return stage not in (Stage.PENDING, Stage.ROLLED_BACK)
