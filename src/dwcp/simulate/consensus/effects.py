"""What episodes do to members and to the group, second by second."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dwcp.simulate.consensus.episodes import Episode

__all__ = ["Effects", "effects_of"]

Floats = NDArray[np.float64]

_CUT, _STALL = 0.3, 40.0
_CASCADE_LAG_S = 2


@dataclass(frozen=True, slots=True)
class Effects:
    """Members' are shaped ``(seconds, members)``, the group's ``(seconds,)``.

    Attributes:
        reach: 1 where a member can be reached.
        disk: factor of the time of an fsync.
        processor: factor of the time everything takes at a member.
        lies: 0 to 1, how much a member contradicts the others.
        loss: share of segments lost at a member.
        compaction: factor of the time of a database commit.
        load: factor of the requests.
        size: factor of what a request takes of disk and network.
        capacity: factor of what the group can do.
        storm: chance that the leader changes in a second.
        handover: 1 in the second in which a leader hands over as planned.
    """

    reach: Floats
    disk: Floats
    processor: Floats
    lies: Floats
    loss: Floats
    compaction: Floats
    load: Floats
    size: Floats
    capacity: Floats
    storm: Floats
    handover: Floats


def effects_of(episodes: Sequence[Episode], seconds: int, members: int) -> Effects:
    """All episodes together."""
    each = (seconds, members)
    made = Effects(
        reach=np.ones(each),
        disk=np.ones(each),
        processor=np.ones(each),
        lies=np.zeros(each),
        loss=np.zeros(each),
        compaction=np.ones(each),
        load=np.ones(seconds),
        size=np.ones(seconds),
        capacity=np.ones(seconds),
        storm=np.zeros(seconds),
        handover=np.zeros(seconds),
    )
    for episode in episodes:
        _apply(made, episode, episode.strength(seconds))
    return made


def _apply(made: Effects, episode: Episode, strength: Floats) -> None:
    targets = list(episode.targets)
    column = strength[:, None]
    match episode.kind:
        case "partition":
            made.reach[:, targets] *= column < _CUT
        case "byzantine":
            made.lies[:, targets] += column
            made.processor[:, targets] *= 1 + column
        case "cascading_failure":
            _cascade(made, targets, strength)
        case "coordinated_attack":
            made.loss[:, targets] += 0.2 * column
            made.processor[:, targets] *= 1 + 4 * column
            made.load[:] *= 1 + 2 * strength
        case "disk_stall":
            made.disk[:, targets] *= 1 + _STALL * column
        case "gc_pause":
            pausing = (np.arange(len(strength)) % 3 > 0) * strength
            made.processor[:, targets] *= 1 + 30 * pausing[:, None]
            made.reach[:, targets] *= pausing[:, None] < 0.9
        case "defragmentation":
            made.compaction[:, targets] *= 1 + 10 * column
        case _:
            _apply_to_group(made, episode.kind, strength)


def _apply_to_group(made: Effects, kind: str, strength: Floats) -> None:
    match kind:
        case "leader_storm":
            made.storm[:] += 0.8 * strength
        case "queue_overflow":
            made.capacity[:] *= 1 - 0.95 * strength
        case "load_up":
            made.load[:] *= 1 + strength
        case "load_down":
            made.load[:] *= 1 - 0.85 * strength
        case "big_values":
            made.size[:] *= 1 + 1.5 * strength
        case "move_leader":
            made.handover[int(np.argmax(strength > 0))] = 1.0


def _cascade(made: Effects, targets: list[int], strength: Floats) -> None:
    """One after the other: first slow, then gone."""
    for place, member in enumerate(targets):
        late = np.concatenate([np.zeros(place * _CASCADE_LAG_S), strength])[: len(strength)]
        late = np.minimum(late, strength)
        made.processor[:, member] *= 1 + 6 * late
        if place:
            made.reach[:, member] *= late < 0.5
