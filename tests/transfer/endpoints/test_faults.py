"""Faults on the way: cut, flipped, stalled, lying; the verified is never sent again, and nothing is wrong."""

import os
import random
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from msgspec.structs import replace

from dwcp.errors import ConnectionLostError, DwcpError, StorageError
from dwcp.transfer import ReceiveOptions, Retry, SecurityOptions, SendOptions, send, sync
from dwcp.transfer.protocol import HEADER_BYTES, FrameType

PATIENT = SendOptions(streams=1, cpu_workers=1, codec="none", retries=3)


def _noise(path: Path, megabytes: int) -> Path:
    path.write_bytes(random.Random(megabytes).randbytes(megabytes * 1_000_000))
    return path


@pytest.mark.parametrize("to_receiver", [True, False])
def test_cut_at_any_frame_it_goes_on(tmp_path, environment, serve, to_receiver, make_tree, snapshot, relay):
    """Cut the first connection at frame 0, 1, 2, ... until a whole transfer has fewer."""
    source = make_tree(tmp_path / "source", files=6)
    expected = snapshot(source)
    cuts = 0
    for place in range(200):
        was_cut = []

        def cut(frame, place: int = place, was_cut: list[bool] = was_cut) -> bytes | None:
            if frame.connection == 0 and frame.to_receiver is to_receiver and frame.number == place:
                was_cut.append(True)
                return None
            return frame.content

        folder = tmp_path / f"received{place}"
        with serve(folder) as served, relay(served.address, cut) as way:
            try:
                send(source, way.address, PATIENT, environment=environment)
            except DwcpError:
                # Cut before anything was said, the first connection is not tried again; cut at the last
                # word, all is in place already.
                sync(source, way.address, PATIENT, environment=environment)
            assert snapshot(folder / "source") == expected
        if not was_cut:
            break
        cuts += 1
    assert cuts >= 5
    assert not was_cut


def test_what_was_verified_is_not_sent_again(tmp_path, environment, serve, relay):
    source = _noise(tmp_path / "noise", 24)
    carried = {0: 0, 1: 0}

    def cut(frame) -> bytes | None:
        if frame.kind is FrameType.DATA:
            if frame.connection == 0 and carried[0] > 12_000_000:
                return None
            carried[frame.connection] += len(frame.content)
        return frame.content

    with serve() as served, relay(served.address, cut) as way:
        result = send(source, way.address, PATIENT, environment=environment)
        assert (served.folder / "noise").read_bytes() == source.read_bytes()
    assert result.attempts == 2
    assert carried[0] + carried[1] < 24_000_000 + 6_000_000


def test_each_retry_is_told(tmp_path, environment, serve, relay, monkeypatch):
    monkeypatch.setattr("dwcp.transfer._send._FIRST_WAIT_S", 0.001)
    source = _noise(tmp_path / "noise", 3)
    told: list[Retry] = []

    def cut(frame) -> bytes | None:
        return None if frame.connection < 2 and frame.kind is FrameType.DATA else frame.content

    with serve() as served, relay(served.address, cut) as way:
        send(source, way.address, PATIENT, environment=environment, on_retry=told.append)
    assert all(isinstance(one.error, ConnectionLostError) for one in told)
    assert [(one.wait_s, one.number, one.most) for one in told] == [(0.001, 1, 3)] * 2


def test_one_of_many_streams_dies(tmp_path, environment, serve, relay):
    source = _noise(tmp_path / "noise", 40)
    cut = threading.Event()

    def act(frame) -> bytes | None:
        if frame.connection == 2 and frame.to_receiver and frame.kind is FrameType.DATA and not cut.is_set():
            cut.set()
            return None
        return frame.content

    with serve() as served, relay(served.address, act) as way:
        options = replace(PATIENT, streams=4, retries=0)
        result = send(source, way.address, options, environment=environment)
        assert (served.folder / "noise").read_bytes() == source.read_bytes()
    assert result.attempts == 1
    if cut.is_set():
        assert result.streams_opened >= 4


@pytest.mark.parametrize("codec", ["none", "zstd-3"])
def test_a_flipped_bit_is_found_and_sent_again(
    tmp_path, environment, serve, codec, make_tree, snapshot, relay
):
    source = make_tree(tmp_path / "source")
    flips = []

    def flip(frame) -> bytes:
        if frame.kind is FrameType.DATA and frame.to_receiver and len(flips) < 2:
            flips.append(frame.number)
            content = bytearray(frame.content)
            content[-20] ^= 0x10
            return bytes(content)
        return frame.content

    with serve() as served, relay(served.address, flip) as way:
        send(source, way.address, replace(PATIENT, codec=codec), environment=environment)
        assert snapshot(source) == snapshot(served.folder / "source")
    assert flips


def test_flipped_headers_never_make_wrong_files(tmp_path, environment, serve, make_tree, snapshot, relay):
    """Any frame, any of its first bytes: refused or repaired, never taken for something else."""
    source = make_tree(tmp_path / "source", files=5)
    rng = random.Random(4)
    for trial in range(12):
        place, bit = rng.randrange(2, 10), 1 << rng.randrange(8)

        def flip(frame, place: int = place, bit: int = bit) -> bytes:
            if frame.connection == 0 and frame.to_receiver and frame.number == place:
                content = bytearray(frame.content)
                at = (
                    HEADER_BYTES + len(content) % 40 if len(content) > HEADER_BYTES + 40 else HEADER_BYTES - 1
                )
                content[min(at, len(content) - 1)] ^= bit
                return bytes(content)
            return frame.content

        folder = tmp_path / f"flipped{trial}"
        with serve(folder) as served, relay(served.address, flip) as way:
            options = replace(PATIENT, timeout_s=3.0)
            try:
                send(source, way.address, options, environment=environment)
            except DwcpError:
                assert not (folder / "source").exists()
                send(source, served.address, options, environment=environment)
            assert snapshot(source) == snapshot(folder / "source")


def test_a_stalled_peer_is_given_up(tmp_path, environment, serve, relay):
    source = _noise(tmp_path / "noise", 30)
    stalled = threading.Event()

    def stall(frame) -> bytes | None:
        if frame.connection == 0 and frame.kind is FrameType.DATA:
            stalled.wait()
            return None
        return frame.content

    with serve() as served, relay(served.address, stall) as way:
        options = replace(PATIENT, timeout_s=1.0, retries=0)
        with pytest.raises(ConnectionLostError):
            send(source, way.address, options, environment=environment)
        stalled.set()
        send(source, served.address, PATIENT, environment=environment)
        assert (served.folder / "noise").read_bytes() == source.read_bytes()


def test_a_silent_sender_is_given_up_by_the_receiver(tmp_path, environment, serve):
    security = SecurityOptions(handshake_timeout_s=0.2)
    with serve(options=ReceiveOptions(security=security)) as served:
        host, _, port = served.address.rpartition(":")
        with socket.create_connection((host, int(port)), 10) as silent:
            assert silent.recv(1) == b""


def test_garbage_hurts_nobody(tmp_path, environment, serve, make_tree, snapshot):
    source = make_tree(tmp_path / "source")
    rng = random.Random(8)
    with serve() as served:
        host, _, port = served.address.rpartition(":")
        for _ in range(20):
            with socket.create_connection((host, int(port)), 10) as stranger:
                first = bytes([rng.choice([1, 1, 0x16, rng.randrange(256)])])
                stranger.sendall(first + rng.randbytes(rng.randrange(200)))
        send(source, served.address, PATIENT, environment=environment)
        assert snapshot(source) == snapshot(served.folder / "source")


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_is_said_and_goes_on_when_there_is_room(tmp_path, environment, serve, snapshot):
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "none", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        source = tmp_path / "tree"
        source.mkdir()
        for place in range(4):
            _noise(source / f"noise{place}", 8 + place)
        with serve(folder) as served:
            with pytest.raises(StorageError):
                send(source, served.address, replace(PATIENT, retries=0), environment=environment)
            assert not (folder / "tree").exists()
        subprocess.run(["mount", "-o", "remount,size=200m", folder], check=True)
        with serve(folder) as served:
            send(source, served.address, PATIENT, environment=environment)
            assert snapshot(source) == snapshot(folder / "tree")
    finally:
        subprocess.run(["umount", "-l", folder], check=False)


@pytest.mark.slow
def test_a_receiver_that_is_killed_goes_on_when_it_is_back(tmp_path, environment):
    source = _noise(tmp_path / "noise", 60)
    keys = str(tmp_path / "keys")
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [
        sys.executable,
        "-m",
        "dwcp.cli.app",
        "receive",
        str(tmp_path / "to"),
        "--listen",
        address,
        "--json",
    ]

    def start() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env={**os.environ, "DWCP_KEYS": keys}, cwd=tmp_path
        )
        assert process.stdout is not None
        assert "listening" in process.stdout.readline()
        return process

    processes = [start()]
    killed = threading.Event()

    def kill(_progress: object) -> None:
        if not killed.is_set() and list((tmp_path / "to" / ".dwcp").rglob("noise")):
            killed.set()
            processes[0].send_signal(signal.SIGKILL)
            processes[0].wait()
            processes.append(start())

    try:
        options = replace(PATIENT, retries=20)
        result = send(source, address, options, environment=environment, progress=kill)
        assert (tmp_path / "to" / "noise").read_bytes() == source.read_bytes()
        assert result.attempts == (2 if killed.is_set() else 1)
    finally:
        for process in processes:
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()
