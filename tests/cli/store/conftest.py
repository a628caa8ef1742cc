"""A folder to keep, a store that has it, and what machines are told."""

import json
import os
import random

import pytest


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Paths are short, and caches this test's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def photos(here):
    """A small folder to keep."""
    root = here / "photos"
    (root / "summer").mkdir(parents=True)
    (root / "summer" / "sea.jpg").write_bytes(random.Random(1).randbytes(400_000))
    (root / "list.txt").write_text("sea\n" * 2000)
    (root / "link").symlink_to("list.txt")
    (root / "list.txt").chmod(0o640)
    os.utime(root / "list.txt", ns=(1, 1_700_000_000_123_456_789))
    return root


@pytest.fixture
def store(run, photos):
    """A store with one snapshot of it."""
    assert run("store", "init", "store").status == 0
    assert run("store", "put", "store", "photos", "--tag", "b", "--tag", "a", "--host", "laptop").status == 0
    return photos.parent / "store"


@pytest.fixture
def told(run):
    """Run ``dwcp store`` with ``--json``; gives what it prints, whatever it ends with."""

    def call(*words):
        return json.loads(run("store", *words, "--json").out)

    return call


@pytest.fixture
def ids(told):
    """Gives the ids of all snapshots, the oldest first."""

    def call():
        return [each["snapshot"] for each in told("ls", "store")["snapshots"]]

    return call


@pytest.fixture
def flip(here):
    """Flips a bit in the middle of the store's largest pack."""

    def call():
        pack = max(here.glob("store/packs/*/*"), key=lambda path: path.stat().st_size)
        content = bytearray(pack.read_bytes())
        content[len(content) // 2] ^= 1
        pack.write_bytes(content)

    return call
