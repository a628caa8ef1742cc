"""The figures of a store as `dwcp serve` tells them: those of `dwcp store stats`, whatever becomes of it."""

import json
import random
import shutil
import subprocess
import sys
import threading
from contextlib import closing
from typing import Any

import pytest

pytest.importorskip("starlette")
pytest.importorskip("prometheus_client")
pytest.importorskip("httpx")

import httpx
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from dwcp.cli.serving_store import StoreWatch
from dwcp.registry import Registry
from dwcp.serving.local import LocalAdvisor
from dwcp.serving.metrics import Judgements, Observed
from dwcp.serving.metrics.collector import HintCollector
from dwcp.storage import FolderBackend
from dwcp.storage.opening import index_path


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("DWCP_STORE_PASSPHRASE", raising=False)
    return tmp_path


@pytest.fixture
def put(run, here):
    """Put something more into the store."""
    numbers = random.Random(1)

    def call():
        (here / "file").write_bytes(numbers.randbytes(200_000) + b"again " * 50_000)
        assert run("store", "put", "store", "file").status == 0

    return call


@pytest.fixture
def store(run, put, here):
    assert run("store", "init", "store").status == 0
    put()
    return here / "store"


@pytest.fixture
def stats(run):
    """What `dwcp store stats` says, under the names of the metrics."""

    def call(*words):
        told = json.loads(run("store", "stats", "store", *words, "--json").out)
        plain = {
            **{f"pakit_{name}s": told[f"{name}_count"] for name in ("snapshot", "pack")},
            "pakit_delta_blocks": told["delta_count"],
            **{f"pakit_{name}": told[name] for name in ("pack_bytes", "plain_bytes", "stored_bytes")},
            **{f"pakit_blocks {kind}": told[f"{kind}_count"] for kind in ("chunk", "node")},
        }
        for one in told["codecs"]:
            for name, field in (("blocks", "block_count"), ("plain_bytes",) * 2, ("stored_bytes",) * 2):
                plain[f"pakit_codec_{name} {one['codec']}"] = one[field]
        return plain

    return call


class Scraped:
    """What a scrape tells of a watch."""

    def __init__(self, watch: StoreWatch, root: Any) -> None:
        self.advisor = LocalAdvisor((), Registry(root / "registry"))
        self._registry = CollectorRegistry()
        self._registry.register(HintCollector(Observed(self.advisor, Judgements(()), store=watch.figures)))

    def close(self) -> None:
        self.advisor.close()

    def all(self) -> dict[str, float]:
        return samples(generate_latest(self._registry).decode())

    def store(self) -> dict[str, float]:
        return {name: figure for name, figure in self.all().items() if name.startswith("pakit_")}

    def is_up(self) -> bool:
        return self.all()["dwcp_source_up store"] == 1.0


def samples(text: str) -> dict[str, float]:
    return {
        " ".join((one.name, *one.labels.values())): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def test_a_server_tells_what_the_store_holds(store, stats, tmp_path):
    command = ["--home", "home", "serve", "--port", "0", "--json", "--store", "store"]
    with subprocess.Popen(
        [sys.executable, "-m", "dwcp.cli.app", *command], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            [url] = json.loads(process.stdout.readline())["addresses"]
            assert json.loads(process.stdout.readline())["event"] == "ready"
            told: dict[str, float] = {}
            while not any(name.startswith("pakit_") for name in told):
                told = samples(httpx.get(f"{url}/metrics").text)
        finally:
            process.terminate()
    assert {name: figure for name, figure in told.items() if name.startswith("pakit_")} == stats()
    assert told["pakit_snapshots"] == 1
    assert told["dwcp_source_up store"] == 1


def test_what_is_put_later_and_what_a_writer_holds_is_told(store, put, stats, tmp_path):
    watch = StoreWatch("store")
    with closing(Scraped(watch, tmp_path)) as scraped:
        assert scraped.store() == {}
        assert scraped.is_up()
        watch.count()
        first = stats()
        assert scraped.store() == first
        put()
        assert scraped.store() == first
        lock = FolderBackend(store).lock_writer()
        watch.count()
        assert scraped.store() == stats()
        lock.release()
        assert scraped.store()["pakit_snapshots"] == 2


def test_a_store_that_is_gone_or_locked_is_said_once_and_nothing_else_ends(store, stats, tmp_path, caplog):
    watch = StoreWatch("store")
    watch.count()
    before = stats()
    with closing(Scraped(watch, tmp_path)) as scraped:
        kept = tmp_path / "kept"
        shutil.move(store, kept)
        for _ in range(3):
            watch.count()
            assert scraped.store() == {}
            assert not scraped.is_up()
        assert not store.exists()
        [line] = caplog.messages
        assert "metrics of the store are left out: there is no store in store" in line
        shutil.move(kept, store)
        watch.count()
        assert scraped.store() == before
        caplog.clear()
        index = index_path(FolderBackend(store))
        index.write_bytes(b"damaged")
        lock = FolderBackend(store).lock_writer()
        for _ in range(2):
            watch.count()
            assert not scraped.is_up()
        lock.release()
        [line] = caplog.messages
        assert "damaged while somebody writes to the store" in line
        watch.count()
        assert scraped.store() == before


def test_the_key_of_an_encrypted_store_is_made_once(run, put, stats, here, monkeypatch):
    (here / "secret").write_text("a long passphrase\n")
    told = ("--passphrase-file", "secret")
    assert run("store", "init", "store", "--encrypt", *told).status == 0
    (here / "file").write_bytes(b"some")
    assert run("store", "put", "store", "file", *told).status == 0
    watch = StoreWatch("store", here / "secret")
    monkeypatch.setattr("dwcp.cli.serving_store.open_settings", None)
    watch.count()
    assert watch.figures().snapshot_count == stats(*told)["pakit_snapshots"] == 1


def test_counting_goes_on_until_it_is_closed(store, put):
    watch = StoreWatch("store", every_s=0.0)
    watch.start()
    put()
    while (figures := watch.figures()) is None or figures.snapshot_count < 2:
        pass
    [thread] = [one for one in threading.enumerate() if one.name == "dwcp-store-figures"]
    watch.close()
    thread.join(10)
    assert not thread.is_alive()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--store", "nowhere"), "there is no store in nowhere"),
        (
            ("--store", "store", "--store-passphrase-file", "missing"),
            "the passphrase in missing cannot be read",
        ),
        (("--store", "s3://"), "s3://"),
        (("--registry", "nowhere"), "there is no registry in nowhere"),
    ],
)
def test_what_is_named_has_to_be_there(words, sentence, run, store):
    done = run("serve", "--port", "0", *words)
    assert sentence in done.sentence
    assert done.out == ""


def test_the_usual_registry_may_come_later(run, monkeypatch, home):
    from dwcp.cli.failures import Status

    async def served(*_: object) -> Status:
        return Status.DONE

    monkeypatch.setattr("dwcp.cli.serving_loop.serve_until_told", served)
    assert run("serve", "--port", "0").status == 0
    assert not (home / "registry").exists()
    (home / "empty").mkdir(parents=True)
    assert run("serve", "--port", "0", "--registry", home / "empty").status == 0
