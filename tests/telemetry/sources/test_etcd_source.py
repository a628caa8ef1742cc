import asyncio
import itertools
import json
import math
import shutil
import socket
import subprocess
from pathlib import Path
from random import Random

import pytest

from dwcp.errors import ConnectionLostError, InputError
from dwcp.telemetry.sources.etcd import (
    Access,
    EtcdSource,
    Outcome,
    Probe,
    Prober,
    http_clients,
    parse_endpoint,
)


class Clock:
    """A second later each time it is read twice: what waits for the next second never waits."""

    def __init__(self) -> None:
        self._ticks = itertools.count(5000, 1)

    def __call__(self) -> float:
        return next(self._ticks) / 2 + 0.75


def test_seconds_come_from_all_members_and_one_that_goes_is_told(fakes, metrics: str) -> None:
    gone = False

    async def watch() -> list:
        nonlocal gone
        found = []
        async with (
            fakes.member(lambda _: fakes.chunked(metrics.encode())) as one,
            fakes.member(lambda _: b"" if gone else fakes.plain(metrics.encode())) as two,
        ):
            source = EtcdSource([one.address, two.address], probe=None, clock=Clock())
            stream = source.stream()
            async for second in stream:
                found.append(second)
                gone = len(found) >= 2
                if len(found) == 4:
                    break
            await stream.aclose()
            assert source.complaints == (f"http://{two.address}: the connection ended before the answer did",)
            assert one.connections == 1
        return found

    seconds = asyncio.run(watch())
    assert [second.cluster.nodes_up for second in seconds] == [2, 2, 1, 1]
    assert [second.members[1].scrape_ok for second in seconds] == [1, 1, 0, 0]
    times = [second.cluster.ts for second in seconds]
    assert times == sorted(set(times))
    assert math.isnan(seconds[0].cluster.latency_p50)


def test_if_no_member_answers_at_first_it_says_so() -> None:
    source = EtcdSource(["127.0.0.1:1", "127.0.0.1:2"], clock=Clock())
    with pytest.raises(
        ConnectionLostError, match=r"no member of etcd answers \(http://127\.0\.0\.1:1: .*refused"
    ):
        next(iter(source))


@pytest.mark.parametrize("endpoints", [[], ["a", "a:2379"]])
def test_endpoints_must_be_given_once(endpoints: list[str]) -> None:
    with pytest.raises(InputError, match="each member's endpoint once"):
        EtcdSource(endpoints)


@pytest.mark.parametrize("changed", [{"rate_hz": 0}, {"deadline_s": -1}, {"key": ""}])
def test_a_probe_that_cannot_be_run_is_refused(changed: dict) -> None:
    with pytest.raises(InputError, match="above 0"):
        Probe(**changed)


def test_the_probe_goes_on_while_a_member_hangs_and_reads_unless_told_to_write(fakes) -> None:
    async def probe() -> None:
        async with (
            fakes.member(lambda _: fakes.plain(b"{}")) as well,
            fakes.member(lambda _: None) as hanging,
        ):
            clients = http_clients([parse_endpoint(one.address) for one in (well, hanging)])
            now = itertools.count()
            prober = Prober(clients, Probe(rate_hz=1000), Access(), Random(1), lambda: next(now) / 1e4)
            running = asyncio.create_task(prober.run())
            while len(well.requests) < 5 or len(hanging.requests) < 5:
                await asyncio.sleep(0.001)
            seen = prober.log.take(next(now) / 1e4)
            running.cancel()
            await asyncio.gather(running, *(one.close() for one in clients.values()), return_exceptions=True)
            assert seen.members[1].count(Outcome.OK) == seen.ok >= 4
            assert 2 not in seen.members
            assert len(seen.ages_ms) >= 5
            assert {head.split()[1] for head in well.requests} == {b"/v3/kv/range"}
            assert b"value" in Probe("write").body

    asyncio.run(probe())


@pytest.mark.parametrize("refusal", ["400 Bad Request", "401 Unauthorized"])
def test_a_user_is_let_in_at_first_and_again_when_etcd_forgot(fakes, refusal: str) -> None:
    known, member = "t-1", None

    def answer(path: str) -> bytes:
        if path == "/v3/auth/authenticate":
            return fakes.plain(json.dumps({"token": known}).encode())
        let_in = known.encode() in member.requests[-1]
        return fakes.plain(b"{}") if let_in else fakes.plain(b"{}", refusal)

    async def probe() -> None:
        nonlocal known, member
        now = itertools.count()
        async with fakes.member(answer) as member:
            clients = http_clients([parse_endpoint(member.address)])
            prober = Prober(
                clients, Probe(rate_hz=10), Access(user="u", password="p"), Random(1), lambda: next(now) / 50
            )
            running = asyncio.create_task(prober.run())
            while len(member.requests) < 6:
                await asyncio.sleep(0.001)
            assert member.requests[0].startswith(b"POST /v3/auth/authenticate")
            assert prober.log.take(0.0).err == 0
            known = "t-2"
            while b"t-2" not in member.requests[-1]:
                await asyncio.sleep(0.001)
            running.cancel()
            await asyncio.gather(running, *(one.close() for one in clients.values()), return_exceptions=True)

    asyncio.run(probe())


@pytest.fixture
def etcd(tmp_path: Path):
    """The client's address of a real member, alone in its cluster."""
    if shutil.which("etcd") is None:
        pytest.skip("etcd is not installed (Debian: etcd-server)")
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        client, peer = (f"http://127.0.0.1:{each.getsockname()[1]}" for each in (one, two))
    words = {"listen-client-urls": client, "advertise-client-urls": client, "listen-peer-urls": peer}
    words |= {"initial-advertise-peer-urls": peer, "initial-cluster": f"default={peer}", "data-dir": tmp_path}
    process = subprocess.Popen(
        ["etcd", *(f"--{name}={value}" for name, value in words.items())],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield client
    finally:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_a_real_member_is_read(etcd: str) -> None:
    host, port = etcd.removeprefix("http://").split(":")
    while True:
        with socket.socket() as there:
            if there.connect_ex((host, int(port))) == 0:
                break
    seconds = list(itertools.islice(EtcdSource([etcd], probe=Probe("write", rate_hz=20)), 5))
    cluster, (member,) = seconds[-1]
    assert (cluster.leader, cluster.active_nodes, cluster.quorum_size, cluster.req_err) == (1, 1, 1, 0)
    assert cluster.proposals_committed > 5
    assert 0 < cluster.latency_p50 <= cluster.latency_p99
    assert member.fsync_ms > 0
    assert member.cpu_usage >= 0
    assert member.memory_usage > 1e6
    assert member.error_rate == 0
