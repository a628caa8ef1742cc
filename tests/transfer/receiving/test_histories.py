"""Long random histories: edits at both sides, sessions of every kind, cut off anywhere, bits flipped."""

import os
import random
import shutil
from pathlib import Path

import pytest
from tiny_sender import NOW, Exchange, Interrupted, TinySender, make_tree, snapshot

from dwcp.blocks import ZERO_RUN_BYTES
from dwcp.errors import TransferRefusedError
from dwcp.transfer.protocol import Data
from dwcp.transfer.receiving import Destination, ReceivingOptions


def _all(root: Path, wanted: str) -> list[Path]:
    found = [path for path in sorted(root.rglob("*")) if not path.is_symlink()]
    return [path for path in found if getattr(path, wanted)()]


def _edit(root: Path, rng: random.Random) -> None:
    """One change of a tree."""
    file = rng.choice(_all(root, "is_file") or [None])
    if file is None or rng.random() < 0.3:
        _add(root, rng)
    else:
        _change(file, rng.choice([root, *_all(root, "is_dir")]) / f"new {rng.randrange(20)}", root, rng)


def _add(root: Path, rng: random.Random) -> None:
    new = rng.choice([root, *_all(root, "is_dir")]) / f"new {rng.randrange(20)}"
    if new.exists() or new.is_symlink():
        return
    match rng.randrange(3):
        case 0:
            new.write_bytes(rng.randbytes(rng.randrange(8000)))
        case 1:
            new.mkdir()
        case _:
            new.symlink_to(rng.choice(["/etc/passwd", "..", "nowhere"]))


def _change(file: Path, new: Path, root: Path, rng: random.Random) -> None:
    is_free = not new.exists() and not new.is_symlink()
    match rng.randrange(7):
        case 0:
            data = bytearray(file.read_bytes())
            at = rng.randrange(len(data) + 1)
            data[at : at + rng.randrange(300)] = rng.randbytes(rng.randrange(300))
            file.chmod(0o644)
            file.write_bytes(data)
        case 1:
            file.unlink()
        case 2 if is_free:
            file.rename(new)
        case 3 if is_free:
            shutil.copy(file, new)
        case 4:
            file.chmod(rng.choice([0o400, 0o644, 0o755]))
            os.utime(file, ns=(0, rng.randrange(10**18)))
        case 5:
            content = file.read_bytes()[:3000]
            file.chmod(0o644)
            with file.open("wb") as opened:
                opened.write(content)
                opened.seek(rng.choice([1, 2, 3]) * ZERO_RUN_BYTES)
                opened.write(content[: rng.randrange(2000)] + b".")
        case _ if new.parent != root:
            shutil.rmtree(new.parent)


def _flip(rng: random.Random, often: float) -> "object":
    def damage(data: Data, body: bytes) -> tuple[Data, bytes]:
        if body and rng.random() < often:
            at = rng.randrange(len(body))
            body = body[:at] + bytes((body[at] ^ 1,)) + body[at + 1 :]
        return data, body

    return damage


@pytest.mark.parametrize("seed", range(16))
def test_a_history(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    source = make_tree(tmp_path / "tree", rng, files=8)
    there = tmp_path / "there"
    options = ReceivingOptions(durable=False)
    destination = Destination(there, options, now=NOW)
    for _ in range(10):
        for _ in range(rng.randrange(4)):
            _edit(source, rng)
        if (there / "tree").is_dir() and rng.random() < 0.3:
            _edit(there / "tree", rng)
        if rng.random() < 0.3:
            destination.close()
            destination = Destination(there, options, now=NOW)
        sender = TinySender(
            source, mode="sync", delete=True, checksum=rng.random() < 0.3, key=bytes((rng.randrange(2),)) * 16
        )
        exchange = Exchange(
            sender,
            destination,
            rng,
            batch=rng.choice([1, 10, 10_000]),
            bundle_chunks=rng.choice([1, 5, 100]),
            threads=rng.choice([0, 2]),
            damage=_flip(rng, rng.choice([0.0, 0.1])),  # type: ignore[arg-type]
            delta=rng.random() < 0.5,
            stop_after_bundles=rng.choice([None, None, 0, 2, 10]),
        )
        try:
            done = exchange.run()
        except Interrupted:
            exchange.incoming.stop(None)
            continue
        except TransferRefusedError:  # the destination was edited after it had been listed
            continue
        assert snapshot(there / "tree") == snapshot(source)
        assert done.files_written + done.files_kept == sender.files
    destination.close()
    assert _leaks(there) == set()


def _leaks(there: Path) -> set[str]:
    """Descriptors that are still open below a folder."""
    names = set()
    for fd in Path("/proc/self/fd").iterdir():
        try:
            target = fd.readlink()
        except FileNotFoundError:
            continue
        if target.is_relative_to(there):
            names.add(str(target))
    return names
