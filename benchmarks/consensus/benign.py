"""What looks odd and is no fault: the load changes, and upkeep that was planned."""

import asyncio
import json
from collections.abc import Sequence

from benchmarks.consensus.cluster import Cluster
from benchmarks.consensus.commands import run_beside
from benchmarks.consensus.load import Load
from benchmarks.consensus.schedule import Planned

_BIG_BYTES = 12_000


async def carry_out(
    planned: Planned, cluster: Cluster, load: Load, targets: Sequence[int], heir: int, leader: int
) -> None:
    """Do it, and return when its time is over.

    Args:
        planned: what.
        cluster: to which.
        load: the client's.
        targets: the members it is done to.
        heir: who shall lead, if that is what is planned.
        leader: who leads now.

    Raises:
        InputError: etcdctl fails.
    """
    usual_bytes = load.value_bytes
    try:
        match planned.type.act:
            case "load":
                load.times = planned.severity or 1.0
            case "big_values":
                load.value_bytes = _BIG_BYTES
            case "defrag":
                for one in targets:
                    await _etcdctl(cluster, one, "defrag")
            case "move_leader":
                await _etcdctl(cluster, leader, "move-leader", await _id(cluster, heir))
        await asyncio.sleep(planned.duration_s)
    finally:
        load.times, load.value_bytes = 1.0, usual_bytes


async def _id(cluster: Cluster, member: int) -> str:
    told = json.loads(await _etcdctl(cluster, member, "endpoint", "status", "-w", "json"))
    return format(told[0]["Status"]["header"]["member_id"], "x")


async def _etcdctl(cluster: Cluster, member: int, *words: str) -> str:
    endpoint = cluster.members[member].endpoint
    # In the hub's namespace, also from a thread, which has that of the thread that started it.
    return await run_beside("etcdctl", "--endpoints", endpoint, *words)
