import errno
import json
import os
import random

import pytest

from dwcp.storage import Store


def test_what_came_of_it_is_said(run, photos, ids):
    run("store", "init", "store")
    done = run("store", "put", "store", "photos")
    first, second = done.out.splitlines()
    assert first == f"photos is kept as {ids()[0][:16]}: 2 files"
    assert second.startswith("408 kB in ")
    assert second.endswith(" kB added to the store")


def test_machines_are_told_everything(run, store, told, ids):
    again = told("put", "store", "photos")
    wanted = {"snapshot", "name", "files", "bytes", "added_bytes", "seconds", "skipped"}
    assert set(again) == wanted
    assert (again["name"], again["files"], again["bytes"]) == ("photos", 2, 408_000)
    assert again["added_bytes"] < 1000
    assert again["skipped"] == []
    assert again["snapshot"] == ids()[-1]


def test_what_cannot_be_kept_ends_it(run, store, photos, ids):
    os.mkfifo(photos / "pipe")
    done = run("store", "put", "store", "photos")
    assert done.sentence.startswith("photos/pipe cannot be kept: it is no file, folder or symbolic link")
    assert done.status == 2
    assert len(ids()) == 1


def test_or_is_left_out(run, store, photos):
    os.mkfifo(photos / "pipe")
    done = run("store", "put", "store", "photos", "--skip-unreadable", "--json")
    assert done.status == 3
    [left_out] = json.loads(done.out)["skipped"]
    assert left_out == {"path": "photos/pipe", "reason": "it is no file, folder or symbolic link"}
    assert "left out: photos/pipe" in done.err


def test_but_never_all_of_it(run, store, here):
    os.mkfifo(here / "pipe")
    assert "pipe cannot be kept" in run("store", "put", "store", "pipe", "--skip-unreadable").sentence


def test_a_full_disk_loses_nothing(run, store, photos, monkeypatch, ids):
    before = ids()
    (photos / "new").write_bytes(random.Random(2).randbytes(50_000))

    def fail(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as full:
        full.setattr("dwcp.storage.backends.folder._write", fail)
        done = run("store", "put", "store", "photos")
    assert "no space left on device" in done.sentence
    assert done.status == 1
    assert ids() == before
    assert run("store", "verify", "store").status == 0


def test_interrupted(run, store, photos, monkeypatch):
    def interrupted(*_more, **_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Store, "put", interrupted)
        done = run("store", "put", "store", "photos")
    assert done.status == 130
    assert done.sentence.startswith("interrupted; nothing of it is kept")
    assert run("store", "put", "store", "photos").status == 0


@pytest.mark.parametrize(("options", "is_found"), [((), True), (("--no-deltas",), False)])
def test_what_is_like_a_block_that_is_there_takes_little(run, store, photos, told, options, is_found):
    sea = bytearray((photos / "summer" / "sea.jpg").read_bytes())
    run("store", "put", "store", "photos")
    for place in range(1000, len(sea), 30_000):
        sea[place] ^= 1
    (photos / "summer" / "sea.jpg").write_bytes(sea)
    added_bytes = told("put", "store", "photos", *options)["added_bytes"]
    assert (added_bytes < 20_000) is is_found
    assert bool(told("stats", "store")["delta_count"]) is is_found
