"""What goes wrong is said in one sentence, and only what may pass by itself is called so."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from dwcp.errors import DwcpError, InputError, ObjectNotFoundError, StorageError
from dwcp.storage.backends import open_backend

pytest.importorskip("obstore", reason="the extra s3 is not installed")

KEYS = {
    "AWS_ACCESS_KEY_ID": "id-of-a-key",
    "AWS_SECRET_ACCESS_KEY": "a-secret-key",
    "AWS_REGION": "eu-west-1",
}
BUSY = b"<Error><Code>SlowDown</Code></Error>"
DENIED = b"<Error><Code>AccessDenied</Code></Error>"
NO_BUCKET = b"<Error><Code>NoSuchBucket</Code></Error>"
NO_KEY = b"<Error><Code>NoSuchKey</Code></Error>"


class Answering(http.server.BaseHTTPRequestHandler):
    status: ClassVar[int] = 200
    body: ClassVar[bytes] = b""

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(self.body)

    do_GET = do_PUT = do_POST = do_HEAD = answer  # noqa: N815 - the library's names

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def service() -> Iterator[http.server.ThreadingHTTPServer]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dwcp.storage.backends.bucket.s3._RETRY_COUNT", 1)


@pytest.mark.parametrize(
    ("status", "body", "words", "retryable"),
    [
        (503, BUSY, "does not answer for s3://bucket-1/pre/a: HTTP 503 SlowDown; try again later", True),
        (429, b"", "HTTP 429; try again later", True),
        (403, DENIED, "s3://bucket-1/pre/a may not be used: HTTP 403 AccessDenied; check the keys", False),
        (401, b"", "may not be used: HTTP 401", False),
        (404, NO_BUCKET, "there is no bucket of that name: s3://bucket-1/pre", False),
        (501, b"", "lacks what a store needs", False),
        (400, b"", "cannot be used: HTTP 400", False),
        (301, b"", "lies elsewhere; set AWS_REGION", False),
    ],
)
@pytest.mark.usefixtures("impatient")
def test_answers(service: Any, status: int, body: bytes, words: str, retryable: bool) -> None:
    Answering.status, Answering.body = status, body
    backend = open_backend(
        "s3://bucket-1/pre", {**KEYS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{service.server_port}"}
    )
    for ask in (lambda: backend.get("a"), lambda: backend.put("a", b"x")):
        with pytest.raises(StorageError) as caught:
            ask()
        assert words in str(caught.value)
        assert caught.value.retryable is retryable
        assert "\n" not in str(caught.value)
        assert "a-secret-key" not in str(caught.value)
    for other in (lambda: backend.names(), lambda: backend.remove("a"), lambda: backend.size("b")):
        with pytest.raises(DwcpError) as caught_other:
            other()
        assert "\n" not in str(caught_other.value)


def test_an_absent_object_is_named(service: Any) -> None:
    Answering.status, Answering.body = 404, NO_KEY
    endpoint = f"http://127.0.0.1:{service.server_port}"
    backend = open_backend("s3://bucket-1", {**KEYS, "AWS_ENDPOINT_URL": endpoint})
    for ask in (backend.get, backend.size):
        with pytest.raises(ObjectNotFoundError, match=r"there is no object packs/a in s3://bucket-1$"):
            ask("packs/a")


@pytest.mark.usefixtures("impatient")
def test_nobody_answers() -> None:
    backend = open_backend("s3://bucket-1", {**KEYS, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"})
    with pytest.raises(StorageError, match="s3://bucket-1/a cannot be reached; check network") as caught:
        backend.get("a")
    assert caught.value.retryable


def test_no_keys_are_said_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("dwcp.storage.backends.bucket.s3._VENDOR", tmp_path / "none")
    with pytest.raises(InputError, match="no keys for s3://bucket-1: set AWS_ACCESS_KEY_ID"):
        open_backend("s3://bucket-1", {})


@pytest.mark.parametrize(
    "endpoint",
    [
        "not an address",
        "ftp://host",
        "http://",
        "http://host:0",
        "http://host:x",
        "http://user:s3cret@host",
        "x",
    ],
)
def test_an_endpoint_that_is_none(endpoint: str) -> None:
    with pytest.raises(InputError, match="AWS_ENDPOINT_URL is no address") as caught:
        open_backend("s3://bucket-1", {**KEYS, "AWS_ENDPOINT_URL": endpoint})
    assert "s3cret" not in str(caught.value)
