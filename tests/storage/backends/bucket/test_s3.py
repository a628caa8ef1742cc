"""Against a server that speaks S3: put, get, verify and collect, with deaths in between; encrypted too."""

import itertools
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from dwcp.errors import StorageError
from dwcp.storage import Backend, KeyCost, Store, StoreSettings, open_backend
from dwcp.storage.backends.conformance import CHECKS

pytest.importorskip("obstore", reason="the extra s3 is not installed")
moto = pytest.importorskip("moto.server", reason="moto[s3,server] is not installed")

Grow = Callable[[int], Path]
Facts = Callable[[Path], dict[bytes, tuple[Any, ...]]]
NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = moto.ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def environment(endpoint: str, tmp_path: Path) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": "id-of-a-key",
        "AWS_SECRET_ACCESS_KEY": "a-secret-key",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint,
        "XDG_CACHE_HOME": str(tmp_path / "here"),
    }


@pytest.fixture
def backend(environment: dict[str, str]) -> Backend:
    """A fresh bucket, with a prefix in it."""
    from urllib.request import Request, urlopen

    bucket = f"bucket-{next(NUMBERS)}"
    urlopen(Request(f"{environment['AWS_ENDPOINT_URL']}/{bucket}", method="PUT")).close()
    return open_backend(f"s3://{bucket}/some/prefix", environment)


@pytest.mark.parametrize("check", CHECKS)
def test_conformance(check: Callable[[Backend], None], backend: Backend) -> None:
    check(backend)


def test_there_is_no_such_bucket(environment: dict[str, str]) -> None:
    with pytest.raises(StorageError, match="there is no bucket of that name: s3://no-such-bucket; make it"):
        Store.open(open_backend("s3://no-such-bucket", environment))


@pytest.mark.slow
@pytest.mark.parametrize("passphrase", [None, "correct horse"])
def test_a_life_with_deaths(
    passphrase: str | None,
    backend: Backend,
    settings: StoreSettings,
    small_packs: int,
    grow: Grow,
    facts: Facts,
    mortal: Any,
    tmp_path: Path,
) -> None:
    death_kind, mortal_backend = mortal
    first, second = grow(1), grow(2)
    open_store = partial(Store.open, passphrase=passphrase)

    class Killed(Exception):  # noqa: N818 - nothing went wrong
        pass

    def killed() -> None:
        raise Killed

    def lives(at_step: int, work: Callable[[Store], object]) -> None:
        dying = mortal_backend(backend, death_kind(at_step, killed))
        with pytest.raises(Killed), open_store(dying) as store:
            work(store)

    def equal(store: Store, snapshot_id: bytes, source: Path) -> bool:
        store.restore(snapshot_id, tmp_path / "to")
        found = facts(tmp_path / "to" / "tree")
        (tmp_path / "to" / "tree" / "many").chmod(0o755)
        shutil.rmtree(tmp_path / "to")
        return found == facts(source)

    with Store.create(backend, settings, passphrase=passphrase, cost=KeyCost(16 * 1024, 1, 1)) as store:
        old = store.put(first, 1)
    for at_step in (1, 2, 5):
        lives(at_step, lambda store: store.put(second, 2))
        with open_store(backend) as store:
            assert store.verify().is_clean
    with open_store(backend) as store:
        kept = store.put(second, 2)
        assert equal(store, old, first)
        store.forget(old)
    for at_step in (1, 2):
        lives(at_step, lambda store: store.collect())
        with open_store(backend) as store:
            assert store.verify().is_clean
    with open_store(backend) as store:
        store.collect()
        store.rebuild_index()
        assert store.verify().is_clean
        assert equal(store, kept, second)
