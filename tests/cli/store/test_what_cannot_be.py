import errno
import os

import pytest
from blake3 import blake3

from dwcp.blocks.canonical import to_canonical
from dwcp.storage import FolderBackend, Store


@pytest.mark.parametrize(
    ("words", "sentence", "status"),
    [
        (["ls", "nowhere"], "there is no store in nowhere", 1),
        (["ls", "photos/list.txt"], "there is no store in photos/list.txt", 1),
        (["put", "nowhere", "photos"], "there is no store in nowhere", 1),
        (["verify", "nowhere"], "there is no store in nowhere", 1),
        (["init", "photos/list.txt/in"], "the folder photos/list.txt cannot be made", 1),
        (["init", "new", "--avg", "5000"], "chunk sizes must not fall", 2),
        (["init", "new", "--avg", "100000"], "must be a power of two", 2),
        (["put", "store", "missing"], "missing cannot be read: no such file or directory", 2),
        (["put", "store", "."], "the store store lies in what is to be put", 2),
        (["put", "store", "/"], "the store store lies in what is to be put", 2),
        (["get", "store", "zz", "to"], "no snapshot in store begins with 'zz'", 2),
        (["get", "store", "", "to"], "no snapshot in store begins with ''", 2),
        (["get", "store", "latest", "photos/none", "to"], "there is nothing at photos/none", 2),
        (["get", "store", "latest", "photos/list.txt/no", "to"], "there is nothing at", 2),
        (["get", "store", "latest", "photos/list.txt"], "photos/list.txt cannot be written: file exists", 1),
        (["get", "store", "latest"], "missing argument", 2),
        (["get", "store", "latest", "a", "b", "c"], "3 places were given", 2),
        (["ls", "store", "zz"], "no snapshot in store begins with 'zz'", 2),
        (["ls", "store", "latest:nothing"], "there is nothing at nothing", 2),
        (["forget", "store", "zz"], "no snapshot in store begins with 'zz'", 2),
        (["forget", "store", "--keep-last", "0"], "--keep-last", 2),
        (["gc", "nowhere", "--dry-run"], "there is no store in nowhere", 1),
        (["rebuild-index", "nowhere"], "there is no store in nowhere", 1),
    ],
)
def test_is_one_sentence(run, store, here, words, sentence, status):
    before = sorted(here.rglob("*"))
    done = run("store", *words)
    assert sentence in done.sentence
    assert done.status == status
    assert done.out == ""
    assert "fault of the program" not in done.err
    assert [path for path in sorted(here.rglob("*")) if "cache" not in path.parts] == before


def test_two_snapshots_that_begin_alike(run, store, photos, ids):
    for number in range(17):
        run("store", "put", "store", "photos/list.txt", "--tag", str(number))
    known = ids()
    digit = next(digit for digit in "0123456789abcdef" if sum(each[0] == digit for each in known) > 1)
    done = run("store", "get", "store", digit, "to")
    assert f"snapshots begin with '{digit}'" in done.sentence
    assert done.status == 2


@pytest.mark.parametrize(
    "words", [("put", "store", "photos"), ("gc", "store"), ("forget", "store", "latest")]
)
def test_somebody_else_writes(run, store, words):
    with Store.open(FolderBackend(store)):
        done = run("store", *words)
        assert "somebody else is writing to the store" in done.sentence
        assert "this may pass" in done.sentence
        assert done.status == 1
        assert run("store", "ls", "store").status == 0
        assert run("store", "gc", "store", "--dry-run").status == 0


def test_a_store_of_a_newer_version(run, store):
    body = to_canonical(["store/2", 1, 2, 3])
    (store / "config").write_bytes(body + blake3(body).digest())
    assert run("store", "ls", "store").sentence
    body = to_canonical(["store/2", 512, 1024, 4096])
    (store / "config").write_bytes(body + blake3(body).digest())
    done = run("store", "ls", "store")
    assert "'store/2'" in done.sentence
    assert done.status == 1


def test_a_store_with_nothing_in_it(run):
    run("store", "init", "store")
    assert "there is no snapshot in store yet" in run("store", "get", "store", "latest", "to").sentence
    assert "no snapshot" in run("store", "rebuild-index", "store").err


def test_a_full_disk_while_restoring(run, store, here, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("dwcp.storage.trees.restore._write", fail)
    done = run("store", "get", "store", "latest", "to")
    assert "to/photos/list.txt cannot be written: no space left on device; make room" in done.sentence
    assert done.status == 1
    assert [path.name for path in (here / "to" / "photos").iterdir()] == ["link"]
