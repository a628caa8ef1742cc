"""A consensus group over time: its state, what is told of it, and what was going on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dwcp.simulate.consensus.effects import effects_of
from dwcp.simulate.consensus.episodes import Episode, schedule
from dwcp.simulate.consensus.state import run
from dwcp.simulate.consensus.telling import told_by_group, told_by_members
from dwcp.simulate.consensus.traits import Traits, draw_traits

__all__ = ["SimulatedGroup", "simulate_group"]

Floats = NDArray[np.float64]

_SETTLING_S = 3
"""How long after an episode is over queues and elections may still be felt."""


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedGroup:
    """What was measured of a group, and what was going on.

    Attributes:
        traits: of the group.
        measures: by name, shape ``(seconds,)``; NaN where not measured.
        kinds: ``quiet``, ``benign``, ``fault`` or ``recovery``, shape ``(seconds,)``.
        events: name of the event, shape ``(seconds,)``; empty where there was none.
    """

    traits: Traits
    measures: dict[str, Floats]
    kinds: NDArray[np.str_]
    events: NDArray[np.str_]


def simulate_group(
    seconds: int, quiet_s: int, rng: np.random.Generator, traits: Traits | None = None
) -> SimulatedGroup:
    """A group with quiet before its events.

    Args:
        seconds: how long the part with events is.
        quiet_s: how long the quiet before it is.
        rng: where the chances come from.
        traits: drawn when None.
    """
    known = traits or draw_traits(rng)
    length = quiet_s + seconds
    episodes = schedule(known.members, seconds, quiet_s, rng)
    effects = effects_of(episodes, length, known.members)
    state = run(known, effects, length, rng)
    measures = {**told_by_group(known, state), **told_by_members(known, effects, state, rng)}
    kinds, events = _labels(episodes, length)
    return SimulatedGroup(known, measures, kinds, events)


def _labels(episodes: list[Episode], length: int) -> tuple[NDArray[np.str_], NDArray[np.str_]]:
    kinds = np.full(length, "quiet", dtype="<U8")
    events = np.full(length, "", dtype="<U32")
    for episode in episodes:
        during, after = (
            slice(episode.begin, episode.end),
            slice(episode.end, episode.end + episode.recovery_s + _SETTLING_S),
        )
        kinds[during] = "fault" if episode.is_fault else "benign"
        kinds[after] = "recovery"
        events[episode.begin : after.stop] = episode.name
    return kinds, events
