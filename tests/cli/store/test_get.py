import json
from pathlib import Path


def test_all_of_it(run, store, photos, here, ids):
    done = run("store", "get", "store", "latest", "to")
    assert done.status == 0
    assert done.out.startswith(f"to/photos is as in {ids()[0][:16]}: 2 files\n408 kB in ")
    found = here / "to" / "photos"
    assert (found / "summer" / "sea.jpg").read_bytes() == (photos / "summer" / "sea.jpg").read_bytes()
    assert (found / "link").readlink() == Path("list.txt")
    kept = (found / "list.txt").stat()
    assert (kept.st_mode & 0o7777, kept.st_mtime_ns) == (0o640, 1_700_000_000_123_456_789)


def test_a_part_of_it(run, store, here, told, ids):
    said = told("get", "store", ids()[0][:6], "photos/summer/", "to")
    assert set(said) == {"snapshot", "target", "files", "bytes", "seconds", "skipped"}
    assert (said["target"], said["files"], said["bytes"]) == ("to/summer", 1, 400_000)
    assert [path.name for path in (here / "to").rglob("*")] == ["summer", "sea.jpg"]
    assert run("store", "get", "store", "latest:photos/list.txt", "to").status == 0
    assert (here / "to" / "list.txt").exists()


def test_nothing_is_replaced_unless_told(run, store, here):
    (here / "to" / "photos").mkdir(parents=True)
    (here / "to" / "photos" / "list.txt").write_text("mine")
    (here / "to" / "photos" / "other").write_text("mine")
    done = run("store", "get", "store", "latest", "to")
    assert "to/photos exists; name another folder" in done.sentence
    assert done.status == 2
    assert run("store", "get", "store", "latest", "to", "--overwrite").status == 0
    assert (here / "to" / "photos" / "list.txt").read_text() == "sea\n" * 2000
    assert (here / "to" / "photos" / "other").read_text() == "mine"


def test_what_is_damaged_ends_it_or_is_left_out(run, store, here, flip):
    flip()
    done = run("store", "get", "store", "latest", "to")
    assert "photos/summer/sea.jpg cannot be got back whole" in done.sentence
    assert "--skip-damaged" in done.sentence
    assert done.status == 1
    done = run("store", "get", "store", "latest", "to", "--overwrite", "--skip-damaged", "--json")
    assert done.status == 3
    assert [each["path"] for each in json.loads(done.out)["skipped"]] == ["photos/summer/sea.jpg"]
    assert (here / "to" / "photos" / "list.txt").exists()
    assert not (here / "to" / "photos" / "summer" / "sea.jpg").exists()


def test_a_killed_one_leaves_nothing_once_it_was_run_again(run, store, here):
    (here / "to" / "photos").mkdir(parents=True)
    left = here / "to" / "photos" / f".dwcp-{'a' * 24}"
    left.write_text("half")
    assert run("store", "get", "store", "latest", "to", "--overwrite").status == 0
    assert not left.exists()
