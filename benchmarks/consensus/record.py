"""One recording: the cluster, its client, what is done to it, and what is seen of it, at once."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random

from benchmarks.consensus.benign import carry_out
from benchmarks.consensus.cluster import Cluster
from benchmarks.consensus.faults import ACTS
from benchmarks.consensus.load import Load
from benchmarks.consensus.schedule import Planned, targets
from benchmarks.consensus.watch import Label, Watch

from dwcp.errors import InputError
from dwcp.telemetry.sources.etcd import http_clients, parse_endpoint
from dwcp.telemetry.sources.recording import Event
from dwcp.telemetry.sources.recording_impact import with_impact
from dwcp.telemetry.sources.recording_writer import RecordingWriter

PROBE_FOLDER = "probe"
"""Where, in the folder of a recording, the same time is told as the live source's probe saw it."""
_SETTLE_S = 10.0
_AFTER_S = 20.0
_START_S = 60.0
_RECOVERY_S = 45.0
_LOOK_S = 0.2
_SURE_S = 1.2
"""So that what is looked at was scraped after the event."""

Beside = Callable[[], Coroutine[None, None, None]]


@dataclass(frozen=True)
class Wishes:
    """What to record.

    Attributes:
        planned: faults and benign events, in order.
        quiet_s: how long nothing is done before them.
        load_hz: puts a second, in the mean.
        seed: of the load and of whom things are done to.
    """

    planned: Sequence[Planned]
    quiet_s: float
    load_hz: float
    seed: int


async def record(
    cluster: Cluster, wishes: Wishes, folder: Path, say: Callable[[str], None], beside: Beside | None = None
) -> None:
    """Record into a folder.

    Args:
        cluster: it runs.
        wishes: what to record.
        folder: must have no recording.
        say: told of each event that is over.
        beside: what runs from when the cluster is up until all is done; then it is cancelled.

    Raises:
        InputError: the cluster does not come up.
    """
    rng = Random(wishes.seed)
    clients = http_clients([parse_endpoint(one.endpoint) for one in cluster.members.values()])
    load = Load(clients, wishes.load_hz, Random(rng.random()))
    with ExitStack() as opened:
        writers = [opened.enter_context(RecordingWriter(path)) for path in (folder, folder / PROBE_FOLDER)]
        watch = Watch(cluster, clients, load, writers, Random(rng.random()))
        director = Director(cluster, load, watch, writers, rng, say)
        more = [_after(director.up, beside)] if beside else []
        await until_done(director.run(wishes), load.run(), watch.run(), *more)
        for client in clients.values():
            await client.close()


class Director:
    """Does what was planned, one after the other, and writes what it was.

    Args:
        cluster: to which.
        load: the client, whose load changes.
        watch: tells who leads and whether all is well.
        writers: of the recordings that get the labels.
        rng: chooses whom things are done to.
        say: told of each event that is over.
    """

    def __init__(
        self,
        cluster: Cluster,
        load: Load,
        watch: Watch,
        writers: Sequence[RecordingWriter],
        rng: Random,
        say: Callable[[str], None],
    ) -> None:
        self._cluster = cluster
        self._load = load
        self._watch = watch
        self._writers = writers
        self._rng = rng
        self._say = say
        self.up = asyncio.Event()
        """Set when the cluster is well for the first time."""

    async def run(self, wishes: Wishes) -> None:
        """All that was planned, and a quiet end.

        Raises:
            InputError: the cluster does not come up.
        """
        if not await self._well_within(_START_S):
            raise InputError(
                f"the cluster is not up after {_START_S:g} s; see {self._cluster.places.folder}/n*.log"
            )
        self.up.set()
        await asyncio.sleep(_SETTLE_S)
        self._watch.writing = True
        await asyncio.sleep(wishes.quiet_s)
        for index, planned in enumerate(wishes.planned):
            await asyncio.sleep(planned.gap_s)
            try:
                event = await self._event(index, planned)
            except InputError as error:
                self._say(f"{index + 1} {planned.type.name} could not be done: {error}")
                continue
            for writer in self._writers:
                writer.event(event)
            self._say(_told(event, len(wishes.planned)))
        await asyncio.sleep(_AFTER_S)

    async def _event(self, index: int, planned: Planned) -> Event:
        members = sorted(self._cluster.members)
        leader = self._watch.leader
        whom = targets(planned.type.role, leader, members, self._rng)
        start = time.time()
        self._watch.label = Label(planned.kind, planned.type.name, whom)
        try:
            await self._do(planned, whom, leader)
            end = time.time()
            after = "recovery" if planned.kind == "fault" else "none"
            self._watch.label = Label(after, planned.type.name)
            await asyncio.sleep(_SURE_S)
            await self._well_within(_RECOVERY_S)
            recovered = time.time()
        finally:
            self._watch.label = Label()
        happened = Event(
            idx=index,
            kind=planned.kind,
            type=planned.type.name,
            targets=whom,
            target_was_leader=leader in whom,
            start=round(start, 2),
            end=round(end, 2),
            recovered=round(recovered, 2),
            params=planned.params,
        )
        return with_impact(happened, self._watch.recent())

    async def _do(self, planned: Planned, whom: tuple[int, ...], leader: int) -> None:
        if planned.kind == "fault":
            async with ACTS[planned.type.act](self._cluster, whom, planned.severity or 0.0):
                await asyncio.sleep(planned.duration_s)
        else:
            heir = targets("follower", leader, sorted(self._cluster.members), self._rng)[0]
            await carry_out(planned, self._cluster, self._load, whom, heir, leader)

    async def _well_within(self, patience_s: float) -> bool:
        until = time.monotonic() + patience_s
        while not self._watch.healthy and time.monotonic() < until:
            await asyncio.sleep(_LOOK_S)
        return self._watch.healthy


async def until_done(awaited: Coroutine[None, None, None], *beside: Coroutine[None, None, None]) -> None:
    """Run all at once until the first is done; an error of any ends all."""
    async with asyncio.TaskGroup() as group:
        others = [group.create_task(one) for one in beside]
        await awaited
        for other in others:
            other.cancel()


async def _after(begun: asyncio.Event, beside: Beside) -> None:
    await begun.wait()
    await beside()


def _told(event: Event, count: int) -> str:
    whom = " ".join(f"n{one}" for one in event.targets) or "-"
    seen = f"seen in {event.hit_s} s" if event.visible else "not seen"
    took = f"{event.end - event.start:.1f} s, recovered {event.recovered - event.end:.1f} s later"
    return f"{event.idx + 1}/{count} {event.kind} {event.type} {whom}: {took}, {seen}"
