"""Writes a row a second, of the load's client and of a probe's, under the label that holds at the time."""

import asyncio
import math
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from random import Random

import polars as pl
from benchmarks.consensus.cluster import Cluster
from benchmarks.consensus.load import Load
from benchmarks.consensus.network import segments

from dwcp.telemetry import host_fields, read_host
from dwcp.telemetry.sources.etcd import (
    Access,
    Assembler,
    ClientLog,
    HttpClient,
    Probe,
    Prober,
    Reading,
    Scraper,
    Second,
    ticks,
)
from dwcp.telemetry.sources.recording_writer import RecordingWriter

_KEPT_S = 150
_MOST_LAG = 60
_MOST_AGE_MS = 500


@dataclass
class Label:
    """What is going on."""

    kind: str = "none"
    fault: str = "none"
    targets: tuple[int, ...] = ()


@dataclass
class View:
    """One client's view of the cluster, and the recording it goes to."""

    log: ClientLog
    writer: RecordingWriter
    assembler: Assembler
    last: Second | None = None


class Watch:
    """Scrapes the members each second and writes what they and the clients say.

    Args:
        cluster: what is watched.
        clients: by the member's number.
        load: the client whose view comes first.
        writers: of the load's view, and of the probe's.
        rng: of the probe's timing.
    """

    def __init__(
        self,
        cluster: Cluster,
        clients: Mapping[int, HttpClient],
        load: Load,
        writers: Sequence[RecordingWriter],
        rng: Random,
    ) -> None:
        self.label = Label()
        self.leader = 0
        self.healthy = False
        self.writing = False
        """Whether rows are written: not before the cluster is well for the first time."""
        self._cluster = cluster
        self._scraper = Scraper(clients)
        self._prober = Prober(clients, Probe(), Access(), rng)
        logs = (load.log, self._prober.log)
        members = tuple(clients)
        self._views = [
            View(log, writer, Assembler(members)) for log, writer in zip(logs, writers, strict=True)
        ]
        self._segments = dict.fromkeys(members, (0, 0))
        self._recent: deque[dict[str, object]] = deque(maxlen=_KEPT_S)
        self._host = read_host()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._prober.run())
            async for ts, lag_ms in ticks(time.time):
                await self._second(ts, lag_ms)

    def recent(self) -> pl.DataFrame:
        """The last rows of the cluster, as the load's client saw it."""
        return pl.DataFrame(list(self._recent), infer_schema_length=None)

    async def _second(self, ts: int, lag_ms: float) -> None:
        now_s = time.monotonic()
        seen = [view.log.take(now_s) for view in self._views]
        readings = await self._scraper.scrape()
        losses, busy = self._losses(), self._busy()
        label = self.label
        for view, client in zip(self._views, seen, strict=True):
            second = view.assembler.assemble(
                ts, readings, client, packet_loss=losses, host_cpu_busy=busy, loop_lag_ms=lag_ms
            )
            view.last = second
            if self.writing:
                view.writer.write(second, label.kind, label.fault, label.targets)
        first = self._views[0].last
        if first is not None:
            if self.writing:
                self._recent.append({**asdict(first.cluster), "kind": label.kind, "fault": label.fault})
            self.leader = first.cluster.leader or self.leader
            self.healthy = is_healthy(first, readings)

    def _losses(self) -> dict[int, float]:
        found = {}
        for number, member in self._cluster.members.items():
            counted = segments(member.pid) if member.pid else None
            if counted is not None:
                sent, again = (now - then for now, then in zip(counted, self._segments[number], strict=True))
                found[number] = max(0, again) / max(1, sent)
                self._segments[number] = counted
        return found

    def _busy(self) -> float:
        before, self._host = self._host, read_host()
        busy = host_fields(before, self._host, 1.0)["cpu_usage"]
        return float(busy) if isinstance(busy, float | int) else math.nan


def is_healthy(second: Second, readings: Mapping[int, Reading | None]) -> bool:
    """All members are there, agree on a leader, and are not behind; no request is old."""
    cluster, members = second
    count = len(members)
    return (
        all(readings.values())
        and cluster.active_nodes == count
        and sum(one.is_leader == 1 for one in members) == 1
        and all(one.active_peers >= count - 1 for one in members)
        and cluster.follower_lag < _MOST_LAG
        and cluster.apply_gap < _MOST_LAG
        and cluster.oldest_ms < _MOST_AGE_MS
    )
