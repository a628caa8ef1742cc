import shutil
import subprocess
import sys

import pytest


def test_figures(run, store, told):
    done = run("store", "stats", "store")
    assert "snapshots  1\n" in done.out
    assert "zstd-3" in done.out
    said = told("stats", "store")
    assert (said["snapshot_count"], said["pack_count"]) == (1, 1)
    assert {total["codec"] for total in said["codecs"]} == {"none", "zstd-3"}


@pytest.mark.parametrize("content", [None, b"no index"])
def test_a_lost_or_damaged_one(run, store, content, told):
    index = store / "index.sqlite"
    index.unlink()
    if content is not None:
        index.write_bytes(content)
    done = run("store", "rebuild-index", "store")
    assert done.out.startswith("the index knows ")
    assert done.out.endswith(" in 1 pack\n")
    assert set(told("rebuild-index", "store")) == {"packs", "blocks"}
    assert run("store", "verify", "store").status == 0


def test_a_store_that_may_only_be_read(run, store):
    """Its index cannot be opened: SQLite wants to write beside it."""
    (store / "index.sqlite").unlink()
    (store / "index.sqlite").mkdir()
    for words in (("ls",), ("stats",), ("verify",), ("gc", "--dry-run")):
        assert run("store", words[0], "store", *words[1:]).status == 0
    assert run("store", "get", "store", "latest", "to").status == 0
    assert "index" in run("store", "put", "store", "photos").sentence


def test_a_moved_store_is_the_same(run, store, here):
    shutil.move(store, here / "elsewhere")
    assert run("store", "verify", "elsewhere").status == 0


def test_help_and_transfers_do_not_load_the_store():
    heavy = ("dwcp.storage", "dwcp.blocks", "pyfastcdc", "blake3")
    script = (
        "import sys; from dwcp.cli.app import main; main(['store', 'put', '--help']); "
        f"print([name for name in {heavy} if name in sys.modules], file=sys.stderr); "
        "import dwcp.cli.send; import dwcp.transfer; print('dwcp.storage' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stderr == "[]\nFalse\n"
