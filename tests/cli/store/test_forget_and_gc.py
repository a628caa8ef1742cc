import pytest


@pytest.fixture
def two(run, store, photos, ids):
    (photos / "summer" / "sea.jpg").unlink()
    run("store", "put", "store", "photos", "--tag", "a", "--tag", "b", "--host", "laptop")
    run("store", "put", "store", "photos/list.txt")
    return ids()


def test_room_is_freed(run, two, store, told, ids):
    size = told("stats", "store")["pack_bytes"]
    done = run("store", "forget", "store", two[0][:8])
    assert done.out == f"{two[0][:16]} is forgotten\n2 snapshots kept\n"
    would = told("gc", "store", "--dry-run")
    assert told("stats", "store")["pack_bytes"] == size
    did = told("gc", "store")
    assert set(did) == {
        *("removed_packs", "removed_blocks", "moved_blocks", "freed_bytes", "dry_run", "seconds"),
    }
    for figure in ("removed_packs", "removed_blocks", "moved_blocks"):
        assert did[figure] == would[figure] > 0
    assert did["freed_bytes"] == pytest.approx(would["freed_bytes"], rel=0.05)
    assert told("stats", "store")["pack_bytes"] == size - did["freed_bytes"]
    assert run("store", "verify", "store").status == 0
    assert ids() == two[1:]


def test_it_is_said_in_words(run, two):
    run("store", "forget", "store", two[0])
    first, second = run("store", "gc", "store", "--dry-run").out.splitlines()
    assert first.startswith("1 pack would be removed with ")
    assert second.startswith("about ")
    assert second.endswith(" would be freed")
    first, second = run("store", "gc", "store").out.splitlines()
    assert first.startswith("1 pack removed with ")
    assert second.endswith(" kB freed")


def test_the_newest_of_each_name_host_and_tags_stay(run, two, told, ids):
    done = run("store", "forget", "store", "--keep-last", "1", "--dry-run")
    assert done.out == f"{two[0][:16]} would be forgotten\n2 snapshots would stay\n"
    assert ids() == two
    said = told("forget", "store", "--keep-last", "1")
    assert said == {"forgotten": [two[0]], "kept": 2, "dry_run": False}
    assert ids() == two[1:]
    assert told("forget", "store", "--keep-last", "1")["forgotten"] == []


def test_it_has_to_be_said_which(run, two):
    for words in ((), ("latest", "--keep-last", "1")):
        done = run("store", "forget", "store", *words)
        assert "name snapshots, or give --keep-last" in done.sentence
        assert done.status == 2


def test_none_is_forgotten_where_one_is_not_found(run, two, ids):
    assert "begins with 'zz'" in run("store", "forget", "store", two[0], "zz").sentence
    assert ids() == two
