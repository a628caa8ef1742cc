from pathlib import Path

from dwcp.storage import FolderBackend, Store


def test_an_empty_store(run, here):
    done = run("store", "init", "new/store")
    assert (done.status, done.out) == (0, "an empty store is in new/store\n")
    assert (here / "new" / "store" / "config").exists()
    assert "there is no snapshot yet" in run("store", "ls", "new/store").err


def test_sizes_of_chunks(run, told):
    words = ("--min", "1024", "--avg", "4096", "--max", "8192")
    sizes = {"min_bytes": 1024, "avg_bytes": 4096, "max_bytes": 8192}
    assert told("init", "store", *words) == {"store": "store", **sizes, "encrypted": False}
    with Store.open(FolderBackend(Path("store"))) as opened:
        assert opened.settings.chunking.avg_bytes == 4096


def test_sizes_that_are_not_given_are_those_of_the_help(run, told):
    made = told("init", "store")
    text = " ".join(run("store", "init", "--help").out.split())
    for size in ("min_bytes", "avg_bytes", "max_bytes"):
        assert f"{made[size]} unless" in text


def test_a_second_store_is_refused(run, store, ids):
    done = run("store", "init", "store")
    assert "store holds a store already" in done.sentence
    assert len(ids()) == 1
