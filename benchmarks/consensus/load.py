"""The client: puts that fall due at random, whatever became of those before, at any member that answers."""

import asyncio
import base64
import json
import math
from collections.abc import Mapping
from random import Random
from time import monotonic

from dwcp.telemetry.sources.etcd import Answer, ClientLog, HttpClient, Outcome

DEADLINE_S = 2.0
_KEYS = 1000
_MOST_OUTSTANDING = 2500
_MOST_LATE_S = 0.5
"""Puts that this process is later with than that are left out, rather than sent all at once."""
_TRIES = 3
_SLOW_S, _QUICK_S = 170.0, 23.0
"""Periods of the waves in the load, as no load is even."""


class Load:
    """Puts in a Poisson process.

    Args:
        clients: by the member's number.
        rate_hz: puts a second, in the mean.
        rng: when, and at which member first.
    """

    def __init__(self, clients: Mapping[int, HttpClient], rate_hz: float, rng: Random) -> None:
        self.log = ClientLog()
        self.times = 1.0
        """What the rate is multiplied by."""
        self.value_bytes = 256
        self._clients = clients
        self._rate_hz = rate_hz
        self._rng = rng
        self._put_count = 0

    async def run(self) -> None:
        """Put until cancelled."""
        begun_s = due_s = monotonic()
        async with asyncio.TaskGroup() as group:
            while True:
                due_s += self._rng.expovariate(self.rate_at(due_s - begun_s))
                await asyncio.sleep(max(0.0, due_s - monotonic()))
                # No put waits for another's answer, so a late one is late by this process, not the cluster.
                now_s = monotonic()
                due_s = max(due_s, now_s - _MOST_LATE_S)
                request = self.log.issue(now_s)
                if self.log.outstanding > _MOST_OUTSTANDING:
                    self.log.finish(request, False, monotonic())
                else:
                    group.create_task(self._put(request))

    def rate_at(self, elapsed_s: float) -> float:
        """Puts a second, some time after the start."""
        waves = 0.35 * math.sin(elapsed_s / _SLOW_S) + 0.12 * math.sin(elapsed_s / _QUICK_S)
        return max(1.0, self._rate_hz * self.times * (1 + waves))

    async def _put(self, request: int) -> None:
        body = self._body()
        order = self._rng.sample(sorted(self._clients), len(self._clients))
        ok = False
        for member in order[:_TRIES]:
            begun_s = monotonic()
            answer: Answer = await self._clients[member].post("/v3/kv/put", body, DEADLINE_S)
            self.log.attempt(member, answer.outcome, (monotonic() - begun_s) * 1e3)
            ok = answer.outcome is Outcome.OK
            if ok:
                break
        self.log.finish(request, ok, monotonic())

    def _body(self) -> bytes:
        self._put_count += 1
        key = f"k{self._put_count % _KEYS:04d}".encode()
        value = self._rng.randbytes(self.value_bytes)
        return json.dumps({"key": _base64(key), "value": _base64(value)}).encode()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
