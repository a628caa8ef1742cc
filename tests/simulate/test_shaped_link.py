"""A real link on one machine: refused clearly where it cannot be, and shaped where it can."""

import os
import subprocess
import sys
import time

import pytest

from dwcp.errors import InputError
from dwcp.simulate import shaped_link as module
from dwcp.simulate.shaped_link import (
    DEVICE,
    LEAST_QUEUE_BYTES,
    LinkShape,
    ShapedLink,
    available,
    namespaces,
    shaped_link,
)

reason = available()
real = pytest.mark.skipif(reason is not None, reason=reason or "")

RECEIVE = """
import socket, sys
server = socket.create_server((sys.argv[1], 9000))
print("ready", flush=True)
connection, _ = server.accept()
control = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16)
print(control.rstrip(b"\\0").decode(), flush=True)
total = 0
while piece := connection.recv(65536):
    total += len(piece)
print(total, flush=True)
"""
SEND = """
import socket, sys
with socket.create_connection((sys.argv[1], 9000)) as connection:
    connection.sendall(bytes(int(sys.argv[2])))
"""


def transfer(link: ShapedLink, size_bytes: int) -> tuple[str, float]:
    """Send zeros over the link; the congestion control used, and seconds."""
    words = link.far.command(sys.executable, "-c", RECEIVE, link.far.address)
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as receiver:
        assert receiver.stdout is not None
        assert receiver.stdout.readline() == "ready\n"
        started = time.monotonic()
        sending = link.near.command(sys.executable, "-c", SEND, link.far.address, str(size_bytes))
        subprocess.run(sending, check=True)
        control, total = receiver.stdout.read().split()
        elapsed_s = time.monotonic() - started
    assert int(total) == size_bytes
    return control, elapsed_s


def standing() -> list[str]:
    """Namespaces that this process made; others may make some meanwhile."""
    told = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    return [line.split()[0] for line in told.splitlines() if line.startswith(f"dwcp-{os.getpid()}-")]


def test_a_queue_holds_a_bandwidth_delay_product() -> None:
    assert LinkShape().queue_bytes == LEAST_QUEUE_BYTES
    assert LinkShape(10, 20).queue_bytes == LEAST_QUEUE_BYTES
    assert LinkShape(1000, 80).queue_bytes == 10_000_000


def test_a_shape_says_what_it_is() -> None:
    assert str(LinkShape()) == "unshaped, RTT 0 ms, loss 0 %"
    assert str(LinkShape(100, 20, 5, 0.01)) == "100 Mbit/s, RTT 20 ± 5 ms, loss 1 %"
    assert LinkShape(jitter_ms=1).is_delayed
    assert not LinkShape(1).is_delayed


@pytest.mark.parametrize(
    "values", [{"rate_mbps": 0}, {"rtt_ms": -1}, {"jitter_ms": -1}, {"loss": 1}, {"loss": -0.1}]
)
def test_what_no_link_has_is_refused(values: dict[str, float]) -> None:
    with pytest.raises(InputError, match="is no link"):
        LinkShape(**values)


def test_a_delay_is_not_the_kernels() -> None:
    with pytest.raises(InputError, match="needs a relay"), shaped_link(LinkShape(rtt_ms=20)):
        pass


def test_root_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert available() == "network namespaces need root"


def test_missing_programs_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda program: None if program == "tc" else program)
    assert available() == "tc is not installed (Debian: iproute2, util-linux)"


def test_what_the_system_does_not_allow_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*words: str, **_: object) -> str:
        raise InputError(f"{words[0]} is not allowed to")

    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda program: program)
    monkeypatch.setattr(module, "_run", refused)
    assert available() == "ip is not allowed to"


def test_a_program_that_is_not_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match="the link needs ip, which cannot be run"), namespaces():
        pass


@real
def test_a_link_carries_at_its_rate_and_goes_when_it_is_done() -> None:
    with shaped_link(LinkShape(40), congestion_control="reno") as link:
        assert link.near.namespace in standing()
        control, elapsed_s = transfer(link, 2_000_000)
        assert control == "reno"
        assert elapsed_s > 0.38
        assert 2_000_000 < link.near.sent_bytes() < 2_400_000
        assert link.far.sent_bytes() < 400_000
    assert link.near.namespace not in standing()


@real
def test_lost_packets_are_sent_again() -> None:
    with shaped_link(LinkShape(loss=0.05)) as link:
        transfer(link, 1_000_000)
        assert link.near.sent_bytes() > 1_050_000


@real
def test_a_link_that_cannot_be_made_leaves_nothing() -> None:
    before = standing()
    with pytest.raises(InputError, match="cannot be set up"):
        shaped_link(LinkShape(), congestion_control="no-such-thing").__enter__()
    with pytest.raises(ValueError, match="inside"), shaped_link(LinkShape()):
        raise ValueError("inside")
    assert standing() == before


@real
def test_a_device_that_is_not_there_is_told() -> None:
    with namespaces() as (near, _), pytest.raises(InputError, match=DEVICE):
        near.sent_bytes()
