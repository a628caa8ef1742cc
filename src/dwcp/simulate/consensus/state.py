"""The state of a group, second by second: a queue before a leader, a quorum behind it.

Everything that is measured follows from it: who leads, how many requests wait, how busy disks and links are.
A request commits when the leader and the fastest of a quorum have it on disk after the rounds; what
exceeds the capacity waits; what waits for two seconds fails.
"""

import numpy as np
from numpy.typing import NDArray

from dwcp.simulate.consensus.effects import Effects
from dwcp.simulate.consensus.traits import PROTOCOLS, Protocol, Traits

__all__ = ["TIMEOUT_S", "run"]

Floats = NDArray[np.float64]

TIMEOUT_S = 2.0
"""How long a client waits."""

_KEEP = 0.9
"""How much of its deviation a disk, a link or the load keeps from second to second."""
_NEVER_MS = 2000.0
_SLACK = 3.0
"""How much slower than usual a commit may be before the group does less."""
_UNSEATED = 0.3
"""Chance in a second that lies unseat the leader, and share of an election that a storm of them takes."""


def run(traits: Traits, effects: Effects, length: int, rng: np.random.Generator) -> dict[str, Floats]:
    """The state of every second, by name: ``(seconds,)`` of the group, ``(seconds, members)`` of members."""
    protocol, members = PROTOCOLS[traits.protocol], traits.members
    noise = np.exp(_walks(length, 2 * members + 1, traits.noise, rng))
    size = effects.size[:, None]
    load = traits.load_hz * noise[:, -1] * effects.load
    fsync = traits.fsync_ms * noise[:, :members] * effects.disk * size**0.5
    rtt = traits.rtt_ms * noise[:, members : 2 * members] * (1 + 20 * effects.loss) * size**0.25
    reply = _reply_ms(traits, fsync, rtt) * effects.processor
    calm_ms = float(_reply_ms(traits, np.array(traits.fsync_ms), np.array(traits.rtt_ms)))
    leading, queue = _Leading(traits, protocol), _Queue()
    told: dict[str, list[float]] = {}
    for now in range(length):
        share = leading.pass_second(effects, now, rng)
        commit_ms = _commit_ms(reply[now], effects.reach[now] > 0, leading.member, traits.quorum)
        commit_ms *= 1 + float(effects.lies[now].max())
        capacity = traits.load_hz * traits.spare * effects.capacity[now] * share
        arrived = float(rng.poisson(load[now]))
        row = queue.pass_second(arrived, capacity * min(1.0, _SLACK * calm_ms / commit_ms), float(load[now]))
        row |= {"led": float(leading.led), "changed": float(leading.changed), "commit_ms": commit_ms}
        for name, value in row.items():
            told.setdefault(name, []).append(value)
    of_group = {name: np.array(values) for name, values in told.items()}
    return {**of_group, "fsync": fsync, "rtt": rtt, "reply": reply, "load": load}


class _Leading:
    """Who leads, and elections."""

    def __init__(self, traits: Traits, protocol: Protocol) -> None:
        self._traits, self._protocol = traits, protocol
        self._without_s = 0.0
        self.member = 0
        self.led = True
        self.changed = False

    def pass_second(self, effects: Effects, now: int, rng: np.random.Generator) -> float:
        """Share of the second in which there is a leader with a quorum."""
        reach, self.changed = effects.reach[now] > 0, False
        storm = rng.random() < effects.storm[now]
        if self._without_s <= 0 and (storm or not reach[self.member] or self._unseated(effects, now, rng)):
            usual_s = self._protocol.election_s * (_UNSEATED if storm else 1.0)
            self._without_s = usual_s * float(rng.uniform(0.7, 1.5))
        elif effects.handover[now]:
            self._elect(reach)
        share = self._share(reach)
        self.led = share > 0 and self._without_s <= 0
        return share

    def _share(self, reach: NDArray[np.bool_]) -> float:
        if reach.sum() < self._traits.quorum:
            self._without_s = max(self._without_s, 1.0)
            return 0.0
        if self._without_s <= 0:
            return 1.0
        share = max(0.0, 1.0 - self._without_s)
        self._without_s -= 1.0
        if self._without_s <= 0:
            self._elect(reach)
        return share

    def _unseated(self, effects: Effects, now: int, rng: np.random.Generator) -> bool:
        """Lies that the quorum does not outvote."""
        limit = 0.8 if self._protocol.tolerates_lies else 0.4
        return bool(effects.lies[now].max() > limit and rng.random() < _UNSEATED)

    def _elect(self, reach: NDArray[np.bool_]) -> None:
        """The next member that can be reached."""
        count = len(reach)
        others = [(self.member + step) % count for step in range(1, count + 1)]
        self.member = next((one for one in others if reach[one]), self.member)
        self._without_s, self.changed = 0.0, True


class _Queue:
    """Requests that wait."""

    def __init__(self) -> None:
        self._waiting, self._oldest_s = 0.0, 0.0

    def pass_second(self, arrived: float, capacity: float, load: float) -> dict[str, float]:
        """Serve what can be served; what waits too long fails."""
        served = min(self._waiting + arrived, capacity)
        waiting = self._waiting + arrived - served
        failed = max(0.0, waiting - TIMEOUT_S * (capacity + load))
        self._waiting = waiting - failed
        stuck_s = min(self._oldest_s + 1.0, TIMEOUT_S)
        self._oldest_s = stuck_s if served < 1 else min(self._waiting / max(capacity, 1.0), TIMEOUT_S)
        return {
            "queue": self._waiting,
            "oldest_s": self._oldest_s,
            "served": served,
            "failed": failed,
            "arrived": arrived,
        }


def _walks(length: int, columns: int, spread: float, rng: np.random.Generator) -> Floats:
    """Logarithms that go on from second to second and come back to nothing."""
    made = np.zeros((length, columns))
    shocks = rng.normal(0.0, spread * np.sqrt(1 - _KEEP**2), (length, columns))
    for now in range(1, length):
        made[now] = _KEEP * made[now - 1] + shocks[now]
    return made


def _reply_ms(traits: Traits, fsync: Floats, rtt: Floats) -> Floats:
    """How long a member takes to have a request on disk and say so."""
    protocol = PROTOCOLS[traits.protocol]
    crowd = np.sqrt(traits.members) if protocol.squared else 1.0
    return np.asarray(fsync + protocol.rounds * crowd * rtt)


def _commit_ms(reply: Floats, reach: NDArray[np.bool_], leader: int, quorum: int) -> float:
    """When the leader and a quorum have it."""
    known = np.sort(np.where(reach, reply, np.inf))
    slowest = max(known[quorum - 1], reply[leader] if reach[leader] else known[0])
    return float(min(slowest, _NEVER_MS))
