"""Files that change while the sender reads them."""

import random
from pathlib import Path

import pytest
from tiny_sender import NOW, Exchange, TinySender, make_tree, snapshot

from dwcp.blocks import FileBuilder
from dwcp.errors import ProtocolError
from dwcp.transfer.protocol import EndFile, EnterDirectory, File, Record, Retract, Symlink
from dwcp.transfer.receiving import Destination


class Unsteady(TinySender):
    """Begins some files with other contents, and takes them back; leaves one out in the end."""

    gone: frozenset[bytes] = frozenset()
    lost: frozenset[int] = frozenset()

    def records(self) -> list[Record]:
        rng = random.Random(3)
        changed: list[Record] = []
        lost: set[int] = set()
        steady = super().records()
        texts = [list(self.chunks), list(self.ids)]
        self.chunks, self.ids, taken = [], [], 0
        for record in steady:
            if isinstance(record, File) and record.size_bytes > 300 and rng.random() < 0.6:
                for _ in range(rng.choice([1, 2])):
                    changed.append(record)
                    first = len(self.chunks)
                    # begins as the file does, so that the chunks repeat when it is read again
                    begin = b"".join(texts[0][taken : taken + rng.choice([0, 1, 3])])
                    junk = (begin + rng.randbytes(1000) + begin)[: record.size_bytes]
                    changed += self.content(junk, FileBuilder())
                    changed.append(Retract())
                    lost.update(range(first, len(self.chunks)))
            changed.append(record)
            if hasattr(record, "lengths"):
                count = len(record.lengths)
                self.chunks += texts[0][taken : taken + count]
                self.ids += texts[1][taken : taken + count]
                taken += count
        self.lost = frozenset(lost)
        return changed


class Forgetting(Exchange):
    """Does not send what was taken back: it cannot be read any more."""

    def _send(self, numbers: list[int]) -> None:
        if self.rng.random() < self.forget:
            numbers = [number for number in numbers if number not in self.sender.lost]  # type: ignore[attr-defined]
        super()._send(numbers)

    forget: float = 1.0


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("forget", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("mode", ["fresh", "asked", "sync"])
def test_files_that_were_taken_back_and_sent_again(
    tmp_path: Path, seed: int, forget: float, mode: str
) -> None:
    rng = random.Random(seed)
    source = make_tree(tmp_path / "tree", rng)
    destination = Destination(tmp_path / "there", now=NOW)
    if mode == "asked":
        Exchange(TinySender(make_tree(tmp_path / "other", random.Random(99))), destination).run()
    if mode == "sync":
        Exchange(TinySender(source), destination).run()
        for path in source.rglob("file *"):
            path.chmod(0o600)
            path.write_bytes(path.read_bytes()[:-1] + b"changed")
    sender = Unsteady(source, mode="sync" if mode == "sync" else "send", delete=True)
    exchange = Forgetting(
        sender, destination, rng, batch=rng.choice([1, 5, 1000]), threads=rng.choice([0, 2])
    )
    exchange.forget = forget
    exchange.run()
    assert sender.lost
    assert snapshot(tmp_path / "there" / "tree") == snapshot(source)
    again = Exchange(TinySender(source, mode="sync"), destination)
    again.run()
    assert again.sender.kept == again.sender.files
    destination.close()


class LeavingOut(TinySender):
    """One file never holds still, and is left out."""

    def _walk(self, path, name, below):  # type: ignore[no-untyped-def]
        if name == b"unsteady":
            size = Path(path.decode()).stat().st_size
            for _ in range(3):
                yield File(name, 0o644, 0, size)
                yield from self.content(b"unsteady" * (size // 8), FileBuilder())
                yield Retract()
        else:
            yield from super()._walk(path, name, below)


@pytest.mark.parametrize("mode", ["send", "sync"])
def test_a_file_that_is_left_out_is_not_there_and_an_old_version_of_it_stays(
    tmp_path: Path, mode: str
) -> None:
    source = make_tree(tmp_path / "tree", random.Random(1))
    destination = Destination(tmp_path / "there", now=NOW)
    if mode == "sync":
        (source / "unsteady").write_bytes(b"old" * 800)
        Exchange(TinySender(source), destination).run()
    wanted = snapshot(source)
    (source / "unsteady").write_bytes(b"new" * 800)
    Exchange(LeavingOut(source, mode=mode, delete=True), destination).run()
    found = snapshot(tmp_path / "there" / "tree")
    wanted[b""] = found[b""] = ()
    assert found == wanted
    destination.close()


@pytest.mark.parametrize("record", [EnterDirectory(b"file", 0o755, 0), Symlink(b"file", b"target", 0)])
def test_what_was_taken_back_may_only_come_again_as_a_file(tmp_path: Path, record: Record) -> None:
    destination = Destination(tmp_path / "there", now=NOW)
    sender = TinySender(tmp_path / "root")
    incoming = destination.begin(sender.offer(), lambda _: None)
    begin = [EnterDirectory(b"root", 0o755, 0), File(b"file", 0o644, 0, 0), Retract()]
    incoming.take_records([*begin, File(b"file", 0o644, 0, 0), EndFile()])
    incoming.stop(None)
    incoming = destination.begin(sender.offer(), lambda _: None)
    with pytest.raises(ProtocolError, match="took back"):
        incoming.take_records([*begin, record])
    destination.close()
