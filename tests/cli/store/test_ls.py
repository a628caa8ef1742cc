import json
import os
from pathlib import Path


def test_snapshots(run, store, told, ids):
    done = run("store", "ls", "store")
    for word in (ids()[0][:16], "laptop", "a, b", "photos"):
        assert word in done.out
    [snapshot] = told("ls", "store")["snapshots"]
    assert set(snapshot) == {"snapshot", "root", "time_ns", "host", "tags", "name"}
    assert (snapshot["host"], snapshot["tags"], snapshot["name"]) == ("laptop", ["a", "b"], "photos")


def test_a_tree_in_long_form(run, store):
    [top] = run("store", "ls", "store", "latest").out.splitlines()
    assert top.startswith("drwx")
    assert top.endswith(" photos/")
    link, text, folder = run("store", "ls", "store", "latest:photos").out.splitlines()
    assert link.startswith("lrwxrwxrwx ")
    assert link.endswith(" link -> list.txt")
    assert text.split()[:2] == ["-rw-r-----", "8,000"]
    assert text.endswith(" list.txt")
    assert folder.endswith(" summer/")
    assert run("store", "ls", "store", "latest:photos/list.txt").out == f"{text}\n"


def test_recursively(run, store):
    lines = run("store", "ls", "store", "latest:photos", "-r").out.splitlines()
    assert [line.rpartition(" ")[2] for line in lines if "->" not in line] == [
        "photos/",
        "photos/list.txt",
        "photos/summer/",
        "photos/summer/sea.jpg",
    ]


def test_for_machines(run, store, told, ids):
    said = told("ls", "store", "latest:photos")
    link, text, folder = said["entries"]
    assert said["snapshot"] == ids()[0]
    assert (link["type"], link["path"], link["target"]) == ("link", "link", "list.txt")
    assert text == {
        "type": "file",
        "path": "list.txt",
        "mode": 0o640,
        "mtime_ns": 1_700_000_000_123_456_789,
        "size_bytes": 8000,
    }
    assert set(folder) == {"type", "path", "mode", "mtime_ns"}


def test_names_do_nothing_to_the_terminal(run, store, here, told):
    odd = here / "odd"
    odd.mkdir()
    for name in (b"no \xff utf-8", b"esc \x1b[31m", b"two\nlines"):
        (odd / os.fsdecode(name)).touch()
    run("store", "put", "store", "odd", "--tag", "\x1b[31m")
    lines = run("store", "ls", "store", "latest:odd").out.splitlines()
    assert [line[49:] for line in lines] == [r"esc \x1b[31m", r"no \xff utf-8", r"two\nlines"]
    assert "\x1b" not in run("store", "ls", "store").out
    entries = told("ls", "store", "latest:odd")["entries"]
    assert [entry.get("path_hex") for entry in entries] == [None, b"no \xff utf-8".hex(), None]
    done = run("store", "get", "store", "latest", os.fsdecode(b"odd/no \xff utf-8"), "to")
    assert r"to/no \xff utf-8 is as in" in done.out
    assert [os.fsencode(path.name) for path in Path("to").iterdir()] == [b"no \xff utf-8"]


def test_a_damaged_snapshot_hides_no_other(run, store, ids):
    run("store", "put", "store", "photos/list.txt")
    first, second = ids()
    (store / "snapshots" / first).write_bytes(b"damaged")
    done = run("store", "ls", "store", "--json")
    assert done.status == 3
    assert json.loads(done.out)["damaged"] == [first]
    assert [each["snapshot"] for each in json.loads(done.out)["snapshots"]] == [second]
    assert f"snapshots/{first} is damaged" in done.err
    assert "give its id instead" in run("store", "get", "store", "latest", "to").sentence
    assert run("store", "get", "store", second, "to").status == 0
    assert run("store", "forget", "store", first).status == 0
    assert run("store", "ls", "store").status == 0
