import os
import random
import shutil
from pathlib import Path

import pytest
from tiny_sender import KEY, NOW, Exchange, Interrupted, TinySender, make_tree, snapshot

from dwcp.blocks import ZERO_RUN_BYTES
from dwcp.errors import TransferError
from dwcp.transfer.receiving import Destination

WEEK_S = 7 * 24 * 3600


def _cut_off(source: Path, destination: Destination, bundles: int, **options: object) -> Exchange:
    exchange = Exchange(TinySender(source), destination, stop_after_bundles=bundles, **options)  # type: ignore[arg-type]
    with pytest.raises(Interrupted):
        exchange.run()
    exchange.incoming.stop(None)
    return exchange


@pytest.mark.parametrize("bundles", [0, 1, 5, 12, 20])
@pytest.mark.parametrize("restart", [False, True])
def test_what_was_verified_does_not_travel_again(tmp_path: Path, bundles: int, restart: bool) -> None:
    rng = random.Random(bundles)
    source = make_tree(tmp_path / "tree", rng)
    destination = Destination(tmp_path / "there", now=NOW)
    first = _cut_off(source, destination, bundles, rng=rng)
    if restart:
        destination.close()
        destination = Destination(tmp_path / "there", now=NOW)
    second = Exchange(TinySender(source), destination, rng)
    second.run()
    assert snapshot(tmp_path / "there" / "tree") == snapshot(source)
    received = first.incoming.progress.bytes_received
    assert (received > 0) == (bundles > 0)
    fresh = sum(len(chunk) for chunk in {*second.sender.chunks})
    assert second.sent_bytes == fresh - received
    assert second.incoming.progress.chunks_wrong == 0
    destination.close()


@pytest.mark.parametrize("seed", range(3))
def test_cut_off_again_and_again(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    source = make_tree(tmp_path / "tree", rng)
    received = 0
    for attempt in range(6):
        destination = Destination(tmp_path / "there", now=NOW)
        exchange = _cut_off(source, destination, attempt, rng=rng, batch=1000)
        received += exchange.incoming.progress.bytes_received
        destination.close()
    destination = Destination(tmp_path / "there", now=NOW)
    last = Exchange(TinySender(source), destination, rng)
    last.run()
    assert snapshot(tmp_path / "there" / "tree") == snapshot(source)
    assert last.sent_bytes + received == sum(len(chunk) for chunk in {*last.sender.chunks})
    destination.close()


def test_the_source_may_change_between_attempts(tmp_path: Path) -> None:
    rng = random.Random(3)
    source = make_tree(tmp_path / "tree", rng)
    (source / "a file").write_bytes(rng.randbytes(3000))
    (source / "a directory").mkdir()
    (source / "a directory" / "inside").write_bytes(rng.randbytes(500))
    (source / "a link").symlink_to("twice")
    (source / "gone").write_bytes(rng.randbytes(500))
    (source / "holes").write_bytes(rng.randbytes(2 * ZERO_RUN_BYTES + 100))
    destination = Destination(tmp_path / "there", now=NOW)
    exchange = Exchange(TinySender(source), destination, rng)
    exchange.begin()
    exchange.catalogue()
    exchange.finish()
    exchange.incoming.stop(None)

    (source / "gone").unlink()
    shutil.rmtree(source / "a directory")
    (source / "a directory").write_bytes(b"is a file now")
    (source / "a file").unlink()
    (source / "a file").mkdir()
    (source / "a file" / "inside").write_bytes(b"is a directory now")
    (source / "a link").unlink()
    (source / "a link").write_bytes(b"is a file now")
    (source / "dangling").unlink()
    (source / "dangling").mkdir()
    (source / "empty").unlink()
    (source / "empty").symlink_to("now a link")
    with (source / "holes").open("r+b") as file:
        file.write(bytes(ZERO_RUN_BYTES))
        file.truncate(ZERO_RUN_BYTES + 50)
    again = Exchange(TinySender(source), destination, rng)
    again.run()
    assert snapshot(tmp_path / "there" / "tree") == snapshot(source)
    destination.close()


def test_another_key_begins_anew(tmp_path: Path) -> None:
    source = make_tree(tmp_path / "tree", random.Random(1))
    destination = Destination(tmp_path / "there", now=NOW)
    _cut_off(source, destination, 10)
    other = Exchange(TinySender(source, key=bytes(16)), destination)
    other.run()
    assert other.incoming.has_nothing
    assert len(list((tmp_path / "there" / ".dwcp" / "staging").iterdir())) == 1
    destination.close()


def test_what_nobody_comes_back_to_is_removed_after_a_week(tmp_path: Path) -> None:
    source = make_tree(tmp_path / "tree", random.Random(1))
    destination = Destination(tmp_path / "there", now=NOW)
    _cut_off(source, destination, 10)
    staging = tmp_path / "there" / ".dwcp" / "staging"
    (folder,) = staging.iterdir()
    for path in (folder, *folder.rglob("*")):
        os.utime(path, (NOW, NOW), follow_symlinks=False)
    os.utime(folder / "log" / "verified", (NOW + 100, NOW + 100))
    destination.clean(NOW + WEEK_S + 99)
    assert folder.exists()
    os.utime(folder / "log" / "verified", (NOW, NOW))
    destination.clean(NOW + WEEK_S + 1)
    assert not folder.exists()
    assert list((tmp_path / "there" / ".dwcp" / "trash").iterdir()) == []
    destination.close()


def test_damaged_staged_data_is_found_and_asked_for_again(tmp_path: Path) -> None:
    rng = random.Random(4)
    source = make_tree(tmp_path / "tree", rng)
    (source / "large").write_bytes(rng.randbytes(20_000))
    destination = Destination(tmp_path / "there", now=NOW)
    exchange = Exchange(TinySender(source), destination, rng)
    exchange.begin()
    exchange.catalogue()
    exchange.finish()
    exchange.incoming.stop(None)
    (staged,) = (tmp_path / "there" / ".dwcp" / "staging").glob("*/tree/tree/large")
    with staged.open("r+b") as file:
        file.seek(10_000)
        file.write(b"!")
    again = Exchange(TinySender(source), destination, rng)
    again.run()
    assert snapshot(tmp_path / "there" / "tree") == snapshot(source)
    assert again.incoming.progress.chunks_wrong == 1
    assert len(again.sent) == 1
    destination.close()


def test_a_damaged_index_of_what_is_staged_costs_the_time_to_send_it(tmp_path: Path) -> None:
    source = make_tree(tmp_path / "tree", random.Random(1))
    destination = Destination(tmp_path / "there", now=NOW)
    for _ in range(2):
        _cut_off(source, destination, 10)
    (left,) = (tmp_path / "there" / ".dwcp" / "staging").glob("*/left.sqlite")
    left.write_bytes(b"no database at all, " * 500)
    Exchange(TinySender(source), destination).run()
    assert snapshot(tmp_path / "there" / "tree") == snapshot(source)
    destination.close()


def test_a_session_that_was_stopped_tells_so(tmp_path: Path) -> None:
    source = make_tree(tmp_path / "tree", random.Random(1))
    destination = Destination(tmp_path / "there", now=NOW)
    exchange = _cut_off(source, destination, 3)
    incoming = exchange.incoming
    for call in (
        lambda: incoming.take_records([]),
        lambda: incoming.take_bundle(*_bundle(exchange)),
        lambda: incoming.wait_complete(1),
        lambda: incoming.wait_known(10**6, 1),
        lambda: incoming.listing(1),
        lambda: incoming.commit(),
    ):
        with pytest.raises(TransferError, match="run it again to resume"):
            call()
    incoming.stop(None)
    destination.close()


def _bundle(exchange: Exchange) -> tuple[object, memoryview]:
    data, body = exchange.bundle([0])
    return data, memoryview(body)


@pytest.mark.parametrize("remains", [[], ["session.json.new"], ["session.json"]])
def test_a_session_that_died_while_it_began(tmp_path: Path, remains: list[str]) -> None:
    source = make_tree(tmp_path / "tree", random.Random(1))
    destination = Destination(tmp_path / "there", now=NOW)
    _cut_off(source, destination, 0)
    (log,) = (tmp_path / "there" / ".dwcp" / "staging").glob("*/log")
    shutil.rmtree(log)
    log.mkdir()
    for name in remains:
        (log / name).write_bytes(b"{")
    destination.close()
    destination = Destination(tmp_path / "there", now=NOW)
    Exchange(TinySender(source), destination).run()
    assert snapshot(tmp_path / "there" / "tree") == snapshot(source)
    destination.close()


def test_the_key_and_the_name_make_the_session(tmp_path: Path) -> None:
    source = make_tree(tmp_path / "tree", random.Random(1))
    destination = Destination(tmp_path / "there", now=NOW)
    _cut_off(source, destination, 10)
    other = Exchange(TinySender(source, name=b"another name", key=KEY), destination)
    other.run()
    assert other.incoming.has_nothing
    destination.close()
