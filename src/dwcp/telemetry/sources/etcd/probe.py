"""A small client of our own, where no other tells what clients see: quorum reads, or writes if asked for.

Requests go out when they are due, whatever became of those before (an open loop): a cluster that stalls does
not slow down what measures it. They use the JSON gateway of etcd's v3 API.
"""

import asyncio
import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from time import monotonic
from typing import Literal

from dwcp.errors import InputError
from dwcp.telemetry.sources.etcd.client_log import ClientLog
from dwcp.telemetry.sources.etcd.endpoint import Access
from dwcp.telemetry.sources.etcd.http import Answer, HttpClient, Outcome

__all__ = ["Probe", "Prober"]

_NOT_LET_IN = (400, 401)
"""Etcd says 400 to who names no user, 401 to a token that it has forgotten."""
_LOG_IN_EVERY_S = 1.0
"""Etcd takes much of a processor to look at a password, more so at a wrong one each time."""
_MOST_OUTSTANDING = 1000
_MOST_SAID_BYTES = 200


@dataclass(frozen=True, slots=True)
class Probe:
    """What to ask, and how often.

    Attributes:
        operation: ``read`` asks a quorum and changes nothing; ``write`` puts a value of 8 bytes.
        key: the key that is read or written; it need not exist.
        rate_hz: requests a second to each member.
        deadline_s: how long a member may take.

    Raises:
        InputError: a rate or deadline that is not above 0, or no key.
    """

    operation: Literal["read", "write"] = "read"
    key: str = "dwcp/probe"
    rate_hz: float = 5.0
    deadline_s: float = 2.0

    def __post_init__(self) -> None:
        if not (self.rate_hz > 0 and self.deadline_s > 0 and self.key):
            raise InputError(f"{self} cannot be run: give a key, a rate and a deadline above 0")

    @property
    def path(self) -> str:
        """Of the gateway."""
        return "/v3/kv/range" if self.operation == "read" else "/v3/kv/put"

    @property
    def body(self) -> bytes:
        """What is sent each time."""
        asked = {"key": base64.b64encode(self.key.encode()).decode()}
        if self.operation == "write":
            asked["value"] = base64.b64encode(b"dwcp/now").decode()
        return json.dumps(asked).encode()


class Prober:
    """Sends the probe's requests to each member and logs what becomes of them.

    Args:
        clients: by the member's number.
        probe: what to ask.
        access: the user, where the cluster asks for one.
        rng: when each member's first request is due.
        now: a monotonic clock, in seconds.
    """

    def __init__(
        self,
        clients: Mapping[int, HttpClient],
        probe: Probe,
        access: Access,
        rng: Random,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self.log = ClientLog()
        self.complaints: dict[int, str] = {}
        """Of members whose last answer was not a good one: endpoint and reason, in one sentence."""
        self._clients = clients
        self._probe = probe
        self._access = access
        self._rng = rng
        self._now = now
        self._log_in_from_s: dict[HttpClient, float] = {}

    async def run(self) -> None:
        """Send until cancelled; what is under way then is cancelled too."""
        await asyncio.gather(*(self._log_in(one) for one in self._clients.values() if self._may_log_in(one)))
        async with asyncio.TaskGroup() as group:
            for member in self._clients:
                group.create_task(self._send_to(member, group))

    async def _send_to(self, member: int, group: asyncio.TaskGroup) -> None:
        period_s = 1 / self._probe.rate_hz
        due_s = self._now() + self._rng.uniform(0, period_s)
        while True:
            await asyncio.sleep(max(0.0, due_s - self._now()))
            # No request waits for another's answer: a late one is late by this process, not by etcd.
            now_s = self._now()
            request = self.log.issue(now_s)
            if self.log.outstanding > _MOST_OUTSTANDING:
                self.log.finish(request, False, self._now())
            else:
                group.create_task(self._ask(member, request))
            due_s = max(due_s, now_s - period_s) + period_s

    async def _ask(self, member: int, request: int) -> None:
        begun_s = self._now()
        answer = await self._answer(self._clients[member])
        ended_s = self._now()
        self.log.attempt(member, answer.outcome, (ended_s - begun_s) * 1e3)
        self.log.finish(request, answer.outcome is Outcome.OK, ended_s)
        self.complaints.pop(member, None)
        if answer.outcome is not Outcome.OK:
            said = answer.body[:_MOST_SAID_BYTES].decode("utf-8", "replace").strip()
            why = f"{answer.why}: {said}" if said else answer.why
            self.complaints[member] = f"{self._clients[member].endpoint} does not answer the probe: {why}"

    async def _answer(self, client: HttpClient) -> Answer:
        answer = await client.post(self._probe.path, self._probe.body, self._probe.deadline_s)
        if answer.status not in _NOT_LET_IN or not self._may_log_in(client):
            return answer
        refused = await self._log_in(client)
        return refused or await client.post(self._probe.path, self._probe.body, self._probe.deadline_s)

    def _may_log_in(self, client: HttpClient) -> bool:
        """Whether there is a user, and it was not tried just now."""
        now_s = self._now()
        if not self._access.user or now_s < self._log_in_from_s.get(client, now_s):
            return False
        self._log_in_from_s[client] = now_s + _LOG_IN_EVERY_S
        return True

    async def _log_in(self, client: HttpClient) -> Answer | None:
        """Get a token, which etcd forgets after minutes; None when it was given."""
        body = json.dumps({"name": self._access.user, "password": self._access.password}).encode()
        client.headers.pop("Authorization", None)
        answer = await client.post("/v3/auth/authenticate", body, self._probe.deadline_s)
        if answer.outcome is not Outcome.OK:
            return answer
        try:
            client.headers["Authorization"] = json.loads(answer.body)["token"]
        except (ValueError, LookupError, TypeError):
            return Answer(Outcome.ERROR, answer.status, why="the user is not let in")
        return None
