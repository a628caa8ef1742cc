"""Whole transfers over loopback: what arrives is what was sent."""

import asyncio
import os
import random
import socket
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from dwcp.errors import (
    AuthenticationError,
    ConnectionLostError,
    InputError,
    ProtocolError,
    TransferRefusedError,
)
from dwcp.transfer import (
    Environment,
    KeyFolder,
    Progress,
    ReceiveOptions,
    SecurityOptions,
    SendOptions,
    receive_async,
    send,
    send_async,
    sync,
    sync_async,
)
from dwcp.transfer.amst import PathMemory, PathRecord
from dwcp.transfer.protocol import FrameType

ONE = SendOptions(streams=1, cpu_workers=1, retries=0)


@pytest.mark.parametrize("streams", [1, 3])
@pytest.mark.parametrize("codec", [None, "none", "zstd-3"])
def test_a_tree_arrives_as_it_was(tmp_path, environment, serve, streams, codec, make_tree, snapshot):
    source = make_tree(tmp_path / "source")
    with serve() as served:
        options = SendOptions(streams=streams, cpu_workers=2, codec=codec)
        result = send(source, served.address, options, environment=environment)
        assert snapshot(source) == snapshot(served.folder / "source")
    assert result.skipped == ()
    assert served.results[0].content == result.content
    assert served.failures == []


def test_tls_carries_the_same(tmp_path, environment, serve, make_tree, snapshot):
    source = make_tree(tmp_path / "source")
    with serve() as served:
        options = SendOptions(streams=4, security=SecurityOptions(plain=False))
        send(source, served.address, options, environment=environment)
        assert snapshot(source) == snapshot(served.folder / "source")


@pytest.mark.parametrize("kind", ["file", "empty file", "link", "empty folder"])
def test_any_kind_of_root_arrives(tmp_path, environment, serve, kind, snapshot):
    source = tmp_path / "root"
    if kind == "file":
        source.write_bytes(random.Random(1).randbytes(700_000))
    elif kind == "empty file":
        source.touch()
    elif kind == "link":
        source.symlink_to("/nowhere/at/all")
    else:
        source.mkdir(mode=0o750)
    with serve() as served:
        send(source, served.address, ONE, environment=environment)
        assert snapshot(source) == snapshot(served.folder / "root")


def test_what_is_there_is_not_sent_over(tmp_path, environment, serve, make_tree):
    source = make_tree(tmp_path / "source")
    with serve() as served:
        send(source, served.address, ONE, environment=environment)
        (source / "new").write_bytes(b"x")
        with pytest.raises(TransferRefusedError, match="sync"):
            send(source, served.address, ONE, environment=environment)
        assert not (served.folder / "source" / "new").exists()


def test_a_sync_sends_what_changed(tmp_path, environment, serve, make_tree, snapshot):
    source = make_tree(tmp_path / "source")
    big = source / "big"
    big.write_bytes(random.Random(5).randbytes(3_000_000))
    with serve() as served:
        first = sync(source, served.address, ONE, environment=environment)
        with big.open("r+b") as file:
            file.seek(1_500_000)
            file.write(b"changed in the middle")
        (source / "link").unlink()
        (source / "added").mkdir()
        (source / "added" / "file").write_bytes(b"new")
        second = sync(source, served.address, replace(ONE, delete=True), environment=environment)
        assert snapshot(source) == snapshot(served.folder / "source")
    assert first.wire_bytes > 3_000_000
    assert second.wire_bytes < 300_000
    assert second.files_kept > 5


def test_a_sync_of_nothing_new_sends_nothing(tmp_path, environment, serve, make_tree, snapshot):
    source = make_tree(tmp_path / "source")
    with serve() as served:
        sync(source, served.address, ONE, environment=environment)
        for checksum in (False, True):
            again = sync(source, served.address, replace(ONE, checksum=checksum), environment=environment)
            assert again.files_written == 0
            assert again.wire_bytes < 10_000
        assert snapshot(source) == snapshot(served.folder / "source")


def test_without_delete_strangers_stay(tmp_path, environment, serve, make_tree):
    source = make_tree(tmp_path / "source")
    with serve() as served:
        sync(source, served.address, ONE, environment=environment)
        (served.folder / "source" / "stranger").write_bytes(b"mine")
        (source / "more").write_bytes(b"more")
        sync(source, served.address, ONE, environment=environment)
        assert (served.folder / "source" / "stranger").read_bytes() == b"mine"
        result = sync(source, served.address, replace(ONE, delete=True), environment=environment)
        assert not (served.folder / "source" / "stranger").exists()
        assert result.files_deleted == 1


def test_a_version_beside_an_older_one_is_a_delta(tmp_path, environment, serve):
    rng = random.Random(9)
    words = [rng.randbytes(6) for _ in range(4000)]
    old = b"".join(rng.choices(words, k=400_000))
    new = bytearray(old)
    for _ in range(40):
        place = rng.randrange(len(new))
        new[place : place + 3] = b"edited"
    (tmp_path / "v1").mkdir()
    (tmp_path / "v1" / "image").write_bytes(old)
    (tmp_path / "v2").mkdir()
    (tmp_path / "v2" / "image").write_bytes(bytes(new))
    with serve() as served:
        (served.folder / "v2").mkdir(parents=True)
        (served.folder / "v2" / "image").write_bytes(old)
        slow = PathRecord(20.0, 10.0, 0.0, 1, time.time())
        PathMemory(tmp_path / "state").remember(served.address, slow, time.time())
        result = sync(tmp_path / "v2", served.address, ONE, environment=environment)
        assert (served.folder / "v2" / "image").read_bytes() == bytes(new)
        assert result.wire_bytes < len(new) // 10


def test_nonsense_hints_change_no_byte(tmp_path, environment, serve, make_tree, snapshot):
    class Nonsense:
        def __init__(self) -> None:
            self.rng = random.Random(3)

        def ask(self, _task_name, _context):
            action = self.rng.choice(
                [None, "zstd-19", -1, object(), SimpleNamespace(name="no-such", level=99)]
            )
            return SimpleNamespace(
                action=action, detail="", reason="MODEL", costs={}, confidence=9.0, model=None
            )

        def observe(self, *_):
            pass

    source = make_tree(tmp_path / "source")
    with serve() as served:
        mad = replace(environment, advisor=Nonsense())
        send(source, served.address, SendOptions(streams=2), environment=mad)
        assert snapshot(source) == snapshot(served.folder / "source")


def test_progress_is_told(tmp_path, environment, serve):
    source = tmp_path / "file"
    source.write_bytes(random.Random(0).randbytes(60_000_000))
    told: list[Progress] = []
    with serve() as served:
        send(source, served.address, ONE, environment=environment, progress=told.append)
    assert told
    assert all(0 <= one.done_bytes <= 60_000_000 for one in told)


def test_of_a_folder_that_is_not_all_read_the_counted_bytes_are_the_total(
    tmp_path, environment, serve, relay, monkeypatch
):
    monkeypatch.setattr("dwcp.transfer._send._COUNTED_AFTER_S", 0.0)
    monkeypatch.setattr("dwcp.transfer.sending.Outgoing.total_bytes", property(lambda _: None))
    source, counted = tmp_path / "source", threading.Event()
    source.mkdir()
    for name in "ab":
        (source / name).write_bytes(bytes(1000))

    def hold(frame) -> bytes:
        if frame.kind is FrameType.ROOT:
            counted.wait(60)
        return frame.content

    def show(now: Progress) -> None:
        if now.total_bytes == 2000:
            counted.set()

    with serve() as served, relay(served.address, hold) as way:
        send(source, way.address, ONE, environment=environment, progress=show)
    assert counted.is_set()


@pytest.mark.parametrize(
    ("receiver_plain", "sender_plain", "sent", "received"),
    [
        (
            False,
            True,
            "says: this side speaks TLS, and what came was",
            "does not speak TLS, and this side does",
        ),
        (True, False, "does not speak TLS, and this side does", "speaks TLS, and this side does not"),
    ],
)
def test_tls_on_one_side_alone_is_explained_on_both(
    tmp_path, environment, serve, receiver_plain, sender_plain, sent, received
):
    (tmp_path / "file").write_bytes(b"x")
    told = []
    options = replace(ONE, security=SecurityOptions(plain=sender_plain), retries=3)
    receiving = ReceiveOptions(security=SecurityOptions(plain=receiver_plain))
    with serve(options=receiving) as served, pytest.raises(ProtocolError) as raised:
        send(tmp_path / "file", served.address, options, environment=environment, on_retry=told.append)
    [failure] = served.failures
    for error, words in ((raised.value, sent), (failure, received)):
        assert words in str(error)
        assert str(error).endswith(": give both sides --plain, or both --tls")
    assert told == []


@pytest.mark.parametrize("keep_special", [False, True])
def test_special_bits_that_are_dropped_are_counted(tmp_path, environment, serve, keep_special):
    source = tmp_path / "source"
    source.mkdir(mode=0o755)
    for name, mode in (("program", 0o4755), ("plain", 0o644)):
        (source / name).write_bytes(b"x")
        (source / name).chmod(mode)
    options = ReceiveOptions(durable=False, keep_special=keep_special)
    with serve(options=options) as served:
        for _ in range(2):
            sync(source, served.address, ONE, environment=environment)
    assert [result.special_dropped for result in served.results] == [0 if keep_special else 1] * 2


def test_the_wrong_token_is_refused(tmp_path, environment, serve, make_tree):
    source = make_tree(tmp_path / "source")
    other = KeyFolder(tmp_path / "other keys")
    other.ensure()
    with serve() as served:
        with pytest.raises(AuthenticationError):
            send(source, served.address, ONE, environment=Environment(keys=other))
        assert not (served.folder / "source").exists()


def test_of_several_addresses_the_first_that_answers_is_taken(
    tmp_path, environment, serve, make_tree, snapshot
):
    source = make_tree(tmp_path / "source")
    with socket.create_server(("127.0.0.1", 0)) as gone:
        closed = f"127.0.0.1:{gone.getsockname()[1]}"
    with serve() as served:
        send(source, f"{closed},{served.address}", ONE, environment=environment)
        assert snapshot(source) == snapshot(served.folder / "source")


def test_nobody_there(tmp_path, environment, make_tree):
    source = make_tree(tmp_path / "source")
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(ConnectionLostError, match="dwcp receive"):
        send(source, f"127.0.0.1:{port}", ONE, environment=environment)


@pytest.mark.parametrize("address", ["", "host", "host:", ":1", "host:70000", "host:port"])
def test_what_is_no_address_is_said(tmp_path, environment, address, make_tree):
    source = make_tree(tmp_path / "source")
    with pytest.raises(InputError, match="HOST:PORT"):
        send(source, address, ONE, environment=environment)


def test_a_missing_source_is_said(tmp_path, environment, serve):
    with serve() as served, pytest.raises(InputError, match="nowhere"):
        send(tmp_path / "nowhere", served.address, ONE, environment=environment)


def test_two_names_may_come_at_once(tmp_path, environment, serve, make_tree, snapshot):
    sources = [make_tree(tmp_path / f"source{place}", seed=place) for place in range(3)]
    with serve() as served:
        threads = [
            threading.Thread(
                target=send,
                args=(one, served.address, replace(ONE, retries=50)),
                kwargs={"environment": environment},
            )
            for one in sources
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for one in sources:
            assert snapshot(one) == snapshot(served.folder / one.name)


def test_once_ends_after_one(tmp_path, environment, serve, make_tree):
    source = make_tree(tmp_path / "source")
    with serve(options=ReceiveOptions(once=True, durable=True)) as served:
        send(source, served.address, ONE, environment=environment)
        served.thread.join(30)
        assert not served.thread.is_alive()


def test_calls_can_be_awaited(tmp_path, environment, make_tree, snapshot):
    source = make_tree(tmp_path / "source")
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"

    async def both() -> None:
        listening = asyncio.create_task(
            receive_async(tmp_path / "to", address, ReceiveOptions(durable=False), environment=environment)
        )
        while True:
            try:
                await send_async(source, address, ONE, environment=environment)
                break
            except ConnectionLostError:
                await asyncio.sleep(0)
        await sync_async(source, address, ONE, environment=environment)
        listening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await listening

    asyncio.run(both())
    assert snapshot(source) == snapshot(tmp_path / "to" / "source")


def test_the_clock_may_jump(tmp_path, environment, serve, monkeypatch, make_tree, snapshot):
    jumps = iter([0.0, -1e9, 1e9, -5e8] * 100_000)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + next(jumps))
    source = make_tree(tmp_path / "source")
    with serve() as served:
        send(source, served.address, ONE, environment=environment)
        assert snapshot(source) == snapshot(served.folder / "source")


def test_a_log_that_grows_is_left_out_or_whole(tmp_path, environment, serve):
    source = tmp_path / "logs"
    source.mkdir()
    (source / "still").write_bytes(b"still" * 1000)
    grown = threading.Event()
    log = (source / "log").open("wb", buffering=0)
    log.write(b"line\n" * 100_000)

    def grow() -> None:
        while not grown.is_set():
            log.write(b"line\n" * 20)

    writer = threading.Thread(target=grow)
    with serve() as served:
        writer.start()
        try:
            result = send(source, served.address, ONE, environment=environment)
        finally:
            grown.set()
            writer.join()
            log.close()
        assert (served.folder / "logs" / "still").read_bytes() == b"still" * 1000
        assert served.failures == []
        arrived = served.folder / "logs" / "log"
        assert arrived.exists() != bool(result.skipped)


def test_odd_names_arrive(tmp_path, environment, serve, snapshot):
    source = tmp_path / "odd"
    source.mkdir()
    names = [b"\xff\xfe", b"a\nb", b" ", b"-rf", b"\xc3\xa9", b"e\xcc\x81", b"x" * 255, b"*?", b"\x01"]
    for place, name in enumerate(names):
        Path(os.fsdecode(os.fsencode(source) + b"/" + name)).write_bytes(b"%d" % place)
    with serve() as served:
        send(source, served.address, ONE, environment=environment)
        assert snapshot(source) == snapshot(served.folder / "odd")
