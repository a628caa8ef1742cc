"""What is learned of the processes of one side."""

import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from benchmarks.transfer.processes import Side, await_end, await_listening

from dwcp.errors import InputError
from dwcp.simulate.shaped_link import LinkEnd

Start = Callable[..., Side]

HOG = f"{sys.executable} -c 'b = bytearray(60_000_000); sum(range(3_000_000)); import time; time.sleep(0.2)'"


@pytest.fixture
def start(here: LinkEnd, tmp_path: Path) -> Iterator[Start]:
    """Starts scripts; ends what is left of them."""
    sides = []

    def start(script: str, **environment: str) -> Side:
        sides.append(Side(here, script, tmp_path / f"{len(sides)}.log", environment))
        return sides[-1]

    yield start
    for side in sides:
        side.stop()


def in_time(seconds: float = 20.0) -> float:
    return time.monotonic() + seconds


def test_a_failing_part_fails_the_pipeline(start: Start) -> None:
    side = start("(echo no good >&2; exit 3) | cat")
    assert await_end([side], [side], in_time())
    assert side.reap().status == 3
    assert side.words() == "no good"


def test_processor_time_and_memory_of_all_processes_are_summed(start: Start) -> None:
    side = start(f"{HOG} | {HOG}")
    assert await_end([side], [side], in_time())
    used = side.reap()
    assert used.cpu_s > 0.1
    assert used.resident_mb > 120


def test_variables_reach_the_script(start: Start) -> None:
    side = start("echo $WORD", WORD="given")
    assert await_end([side], [side], in_time())
    assert side.words() == "given"


def test_one_sees_when_a_side_listens(start: Start) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    serve = f"import socket, time; s = socket.create_server(('127.0.0.1', {port})); time.sleep(60)"
    side = start(f'exec {sys.executable} -c "{serve}"')
    await_listening(side, port)
    assert side.usage is None
    assert side.stop().status == -15
    assert not side.listens(port)


def test_a_side_that_ends_instead_of_listening_is_told(start: Start) -> None:
    with pytest.raises(InputError, match="ended: out of luck"):
        await_listening(start("echo out of luck"), 1)
    with pytest.raises(InputError, match="does not listen after"):
        await_listening(start("sleep 60"), 1, patience_s=0.05)


def test_waiting_has_an_end(start: Start) -> None:
    side = start("sleep 60 & sleep 60")
    assert not await_end([side], [side], in_time(0.05))
    assert side.stop().status == -15


def test_a_server_that_does_not_mind_is_ended_all_the_same(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.transfer.processes.PATIENCE_S", 0.2)
    side = start("trap '' TERM; echo on; while :; do sleep 0.05; done")
    while not side.words():
        time.sleep(0.01)
    assert side.stop().status == -9
