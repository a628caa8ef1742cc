"""An experiment's life: what it may do next, as a table.

Theory
======

Four states, three events, one table (`TRANSITIONS`)::

             STARTED              STOPPED              CONCLUDED
    DRAFT ────────────► RUNNING ────────────► STOPPED ────────────► CONCLUDED
                           ▲                     │                      ▲
                           ├─────────────────────┘                      │
                           │      STARTED                               │
                           └────────────────────────────────────────────┘
                                          CONCLUDED

- *Draft*: written down; every unit is outside.
- *Running*: units are given arms.
- *Stopped*: every unit is outside again, what was collected stays, and it may go on: a unit gets the arm it
  had, as arms are a function of the unit alone.
- *Concluded*: a decision was taken. It never runs again: what is learned from looking at the same units twice
  is not worth a second name.

The state is not stored: it is what the events in the journal add up to.
"""

from collections.abc import Iterable, Mapping
from enum import Enum, StrEnum
from types import MappingProxyType

from dwcp.errors import InputError

__all__ = ["TRANSITIONS", "ExperimentEvent", "ExperimentState", "moved", "state_after"]


class ExperimentState(StrEnum):
    """Whether units are given arms."""

    DRAFT = "draft"
    RUNNING = "running"
    STOPPED = "stopped"
    CONCLUDED = "concluded"


class ExperimentEvent(Enum):
    """What moves an experiment from one state to another."""

    STARTED = "started"
    STOPPED = "stopped"
    CONCLUDED = "concluded"


TRANSITIONS: Mapping[ExperimentState, Mapping[ExperimentEvent, ExperimentState]] = MappingProxyType(
    {
        ExperimentState.DRAFT: {ExperimentEvent.STARTED: ExperimentState.RUNNING},
        ExperimentState.RUNNING: {
            ExperimentEvent.STOPPED: ExperimentState.STOPPED,
            ExperimentEvent.CONCLUDED: ExperimentState.CONCLUDED,
        },
        ExperimentState.STOPPED: {
            ExperimentEvent.STARTED: ExperimentState.RUNNING,
            ExperimentEvent.CONCLUDED: ExperimentState.CONCLUDED,
        },
        ExperimentState.CONCLUDED: {},
    }
)
"""Every move there is."""


def moved(name: str, state: ExperimentState, event: ExperimentEvent) -> ExperimentState:
    """The state after an event.

    Raises:
        InputError: the table has no such move; ``name`` is the experiment's, for the sentence.
    """
    after = TRANSITIONS[state].get(event)
    if after is None:
        may = " or ".join(each.value for each in TRANSITIONS[state]) or "nothing any more"
        raise InputError(f"experiment {name} is {state} and cannot be {event.value}; it may be {may}")
    return after


def state_after(name: str, events: Iterable[ExperimentEvent]) -> ExperimentState:
    """What a journal's events add up to.

    Raises:
        InputError: an event has no move in the table.
    """
    state = ExperimentState.DRAFT
    for event in events:
        state = moved(name, state, event)
    return state
