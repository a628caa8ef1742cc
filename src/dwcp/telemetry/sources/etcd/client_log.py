"""What a client of the cluster saw in a second: requests on a schedule, not one after the other's answer.

A request counts from when it was sent, at its first attempt. One that has no answer yet is seen by its age:
a cluster that stands still shows at once and not when it goes on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dwcp.telemetry.sources.etcd.http import Outcome

__all__ = ["ClientLog", "ClientSecond", "MemberTally"]


@dataclass(slots=True)
class MemberTally:
    """Attempts at one member that ended within a second.

    Attributes:
        outcomes: how many ended how.
        latencies_ms: of those that went well.
    """

    outcomes: dict[Outcome, int] = field(default_factory=dict)
    latencies_ms: list[float] = field(default_factory=list)

    @property
    def attempts(self) -> int:
        """All of them."""
        return sum(self.outcomes.values())

    def count(self, outcome: Outcome) -> int:
        """Those that ended so."""
        return self.outcomes.get(outcome, 0)


@dataclass(frozen=True, slots=True)
class ClientSecond:
    """One second of a client.

    Attributes:
        issued: requests that were sent.
        ok: requests that ended well, whenever they were sent.
        err: requests that ended otherwise.
        latencies_ms: of all that ended, those that failed with the time they took.
        ages_ms: of those that have no answer yet.
        members: attempts by member.
    """

    issued: int = 0
    ok: int = 0
    err: int = 0
    latencies_ms: tuple[float, ...] = ()
    ages_ms: tuple[float, ...] = ()
    members: Mapping[int, MemberTally] = field(default_factory=dict)


class ClientLog:
    """Takes in what happens to requests; times are seconds of one monotonic clock."""

    def __init__(self) -> None:
        self._outstanding: dict[int, float] = {}
        self._next = 0
        self._begin()

    def _begin(self) -> None:
        self._issued = self._ok = self._err = 0
        self._latencies_ms: list[float] = []
        self._members: dict[int, MemberTally] = {}

    @property
    def outstanding(self) -> int:
        """Requests without an answer."""
        return len(self._outstanding)

    def issue(self, now_s: float) -> int:
        """A request is sent; its number."""
        self._issued += 1
        self._next += 1
        self._outstanding[self._next] = now_s
        return self._next

    def attempt(self, member: int, outcome: Outcome, elapsed_ms: float) -> None:
        """One attempt at a member ended."""
        tally = self._members.setdefault(member, MemberTally())
        tally.outcomes[outcome] = tally.count(outcome) + 1
        if outcome is Outcome.OK:
            tally.latencies_ms.append(elapsed_ms)

    def finish(self, request: int, ok: bool, now_s: float) -> None:
        """A request ended."""
        self._latencies_ms.append((now_s - self._outstanding.pop(request)) * 1e3)
        if ok:
            self._ok += 1
        else:
            self._err += 1

    def take(self, now_s: float) -> ClientSecond:
        """What happened since this was asked last."""
        ages_ms = tuple((now_s - sent_s) * 1e3 for sent_s in self._outstanding.values())
        latencies_ms = tuple(self._latencies_ms)
        second = ClientSecond(self._issued, self._ok, self._err, latencies_ms, ages_ms, self._members)
        self._begin()
        return second
