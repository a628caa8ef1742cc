"""A receiver on loopback, trees to send, and their comparison."""

import os
import random
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dwcp.errors import DwcpError
from dwcp.transfer import Environment, KeyFolder, ReceiveOptions, Receiver, ReceiveResult, open_receiver


@dataclass
class Served:
    """A receiver that runs, and what it told."""

    receiver: Receiver
    folder: Path
    thread: threading.Thread
    results: list[ReceiveResult] = field(default_factory=list)
    failures: list[DwcpError] = field(default_factory=list)

    @property
    def address(self) -> str:
        return self.receiver.address


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """Keys and state of this test's own."""
    keys = KeyFolder(tmp_path / "keys")
    keys.ensure()
    return Environment(keys=keys, state=tmp_path / "state")


@pytest.fixture
def serve(tmp_path: Path, environment: Environment) -> Callable[..., object]:
    """Run a receiver for the length of a context."""

    @contextmanager
    def run(
        folder: Path | None = None,
        options: ReceiveOptions | None = None,
        environment: Environment = environment,
    ) -> Iterator[Served]:
        where = folder or tmp_path / "received"
        results: list[ReceiveResult] = []
        failures: list[DwcpError] = []
        receiver = open_receiver(
            where,
            "127.0.0.1:0",
            options or ReceiveOptions(durable=False),
            environment=environment,
            on_result=results.append,
            on_failure=lambda _peer, error: failures.append(error),
        )
        thread = threading.Thread(target=receiver.serve)
        thread.start()
        try:
            yield Served(receiver, where, thread, results, failures)
        finally:
            receiver.stop()
            thread.join()

    return run


def _make_tree(root: Path, seed: int = 0, files: int = 12) -> Path:
    """A tree of everything: text, noise, zeros, empty, nested, odd names, links, modes and times."""
    rng = random.Random(seed)
    words = [bytes(rng.choices(b"abcdefghijklmnop", k=rng.randint(2, 9))) for _ in range(500)]
    (root / "deep" / "er" / "est").mkdir(parents=True)
    (root / "empty").mkdir()
    (root / "empty.txt").touch()
    for place in range(files):
        size = rng.choice((1, 100, 40_000, 300_000))
        text = b" ".join(rng.choices(words, k=size // 5 + 1))
        content = text if place % 2 else rng.randbytes(size)
        (root / ("deep" if place % 3 else "deep/er") / f"file {place}").write_bytes(content)
    with (root / "sparse").open("wb") as file:
        file.write(b"begin")
        file.seek(3 << 20)
        file.write(b"end")
    Path(os.fsdecode(os.fsencode(root) + b"/n\xffot utf-8\n")).write_bytes(b"odd")
    (root / "link").symlink_to("deep/nowhere")
    (root / "out").symlink_to("/etc")
    (root / "script").write_bytes(b"#!/bin/sh\n")
    (root / "script").chmod(0o751)
    for place, path in enumerate(sorted(root.rglob("*"))):
        os.utime(path, ns=(10**18, 10**18 + place * 1_000_003), follow_symlinks=False)
    return root


def _snapshot(root: Path) -> dict[bytes, tuple[object, ...]]:
    """Everything that a transfer keeps, by path."""
    found: dict[bytes, tuple[object, ...]] = {}
    for path in [root, *root.rglob("*")]:
        info = path.lstat()
        content: object = None
        if stat.S_ISLNK(info.st_mode):
            content = path.readlink()
        elif stat.S_ISREG(info.st_mode):
            content = path.read_bytes()
        mode = None if stat.S_ISLNK(info.st_mode) else info.st_mode
        found[os.fsencode(path.relative_to(root))] = (mode, info.st_mtime_ns, content)
    return found


@pytest.fixture
def make_tree() -> Callable[..., Path]:
    """Makes a tree of everything a transfer has to carry."""
    return _make_tree


@pytest.fixture
def snapshot() -> Callable[[Path], dict[bytes, tuple[object, ...]]]:
    """Everything that a transfer keeps of a tree."""
    return _snapshot
