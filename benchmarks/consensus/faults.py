"""What a fault does, as a context: done when it is entered, taken back when it is left, whatever happened."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from benchmarks.consensus import cgroups, disks, network
from benchmarks.consensus.cluster import Cluster

_HOGS = 6
_BREATH_S = 0.04
"""Between two freezes of a slow disk."""

Fault = Callable[[Cluster, Sequence[int], float], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def kill(cluster: Cluster, targets: Sequence[int], _: float) -> AsyncIterator[None]:
    for one in targets:
        cluster.members[one].kill()
    try:
        yield
    finally:
        for one in targets:
            cluster.members[one].start()


@asynccontextmanager
async def pause(cluster: Cluster, targets: Sequence[int], _: float) -> AsyncIterator[None]:
    for one in targets:
        cluster.members[one].stop()
    try:
        yield
    finally:
        for one in targets:
            cluster.members[one].go_on()


def partition(cluster: Cluster, targets: Sequence[int], _: float) -> AbstractAsyncContextManager[None]:
    return _rules(cluster, targets, network.peer_rules(("input", "output"), "drop"))


def asym(cluster: Cluster, targets: Sequence[int], _: float) -> AbstractAsyncContextManager[None]:
    """One way: what others send does not arrive."""
    return _rules(cluster, targets, network.peer_rules(("input",), "drop"))


def loss(cluster: Cluster, targets: Sequence[int], percent: float) -> AbstractAsyncContextManager[None]:
    verdict = f"numgen random mod 10000 < {round(100 * percent)} drop"
    return _rules(cluster, targets, network.peer_rules(("output",), verdict))


@asynccontextmanager
async def rate(cluster: Cluster, targets: Sequence[int], kbit: float) -> AsyncIterator[None]:
    for one in targets:
        await asyncio.to_thread(network.limit_rate, cluster.places, one, kbit)
    try:
        yield
    finally:
        for one in targets:
            network.lift_rate(cluster.places, one)


@asynccontextmanager
async def cpu(cluster: Cluster, targets: Sequence[int], percent: float) -> AsyncIterator[None]:
    groups = [cluster.places.member_cgroup(one) for one in targets]
    for group in groups:
        cgroups.limit(group, percent / 100)
    try:
        yield
    finally:
        for group in groups:
            cgroups.limit(group, None)


@asynccontextmanager
async def stress(cluster: Cluster, _targets: Sequence[int], cores: float) -> AsyncIterator[None]:
    """The machine the members share has few cores, and others use them: what runs beside is not disturbed."""
    group = cluster.places.cgroup
    cgroups.limit(group, cores)
    words = [*cgroups.enter(group), "stress-ng", "--quiet", "--cpu", str(_HOGS)]
    hogs = await asyncio.create_subprocess_exec(*words, start_new_session=True)
    try:
        yield
    finally:
        cgroups.kill(cgroups.processes(group))
        await hogs.wait()
        cgroups.limit(group, None)


@asynccontextmanager
async def slowdisk(cluster: Cluster, targets: Sequence[int], frozen_s: float) -> AsyncIterator[None]:
    over = asyncio.Event()
    freezing = asyncio.create_task(_freeze_again_and_again(cluster, targets, frozen_s, over))
    try:
        yield
    finally:
        # Not cancelled: a freeze that is under way would come after the last thaw.
        over.set()
        await freezing


@asynccontextmanager
async def diskhang(cluster: Cluster, targets: Sequence[int], _: float) -> AsyncIterator[None]:
    await _each(disks.freeze, cluster, targets)
    try:
        yield
    finally:
        await _each(disks.thaw, cluster, targets)


ACTS: dict[str, Fault] = {
    "asym": asym,
    "cpu": cpu,
    "diskhang": diskhang,
    "kill": kill,
    "loss": loss,
    "partition": partition,
    "pause": pause,
    "rate": rate,
    "slowdisk": slowdisk,
    "stress": stress,
}
"""By the name that the schedule has for them."""


async def _freeze_again_and_again(
    cluster: Cluster, targets: Sequence[int], frozen_s: float, over: asyncio.Event
) -> None:
    while not over.is_set():
        await _each(disks.freeze, cluster, targets)
        await asyncio.sleep(frozen_s)
        await _each(disks.thaw, cluster, targets)
        await asyncio.sleep(_BREATH_S)


async def _each(act: Callable[..., None], cluster: Cluster, targets: Sequence[int]) -> None:
    for one in targets:
        await asyncio.to_thread(act, cluster.places.mount(one))


@asynccontextmanager
async def _rules(cluster: Cluster, targets: Sequence[int], rules: str) -> AsyncIterator[None]:
    for one in targets:
        await asyncio.to_thread(network.lay_rules, cluster.places, one, rules)
    try:
        yield
    finally:
        for one in targets:
            network.lift_rules(cluster.places, one)
