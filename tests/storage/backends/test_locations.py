"""What a person types leads to a backend, or to one sentence."""

import sys
from pathlib import Path

import pytest

from dwcp.errors import ExtraMissingError, InputError
from dwcp.storage.backends import FolderBackend, cache_folder, open_backend

KEYS = {"AWS_ACCESS_KEY_ID": "id-of-a-key", "AWS_SECRET_ACCESS_KEY": "a-secret-key"}


@pytest.mark.parametrize("text", ["store", "/a/b", "./s3:/x", "a b", "C:"])
def test_folders(text: str) -> None:
    backend = open_backend(text, {})
    assert isinstance(backend, FolderBackend)
    assert backend.path == Path(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "http://host/x",
        "file:///x",
        "s3://",
        "s3:///prefix",
        "s3://B",
        "s3://ab",
        "s3://key:s3cret@bucket/x",
        "s3://bucket/a/../b",
        "s3://bucket/a//b",
        "s3://bucket/ä",
    ],
)
def test_what_leads_nowhere(text: str) -> None:
    if text.startswith("s3"):
        pytest.importorskip("obstore", reason="the extra s3 is not installed")
    with pytest.raises(InputError) as caught:
        open_backend(text, KEYS)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("s3://bucket", "s3://bucket"),
        ("S3://bucket/", "s3://bucket"),
        ("s3://my.bucket-1/a/b_c/", "s3://my.bucket-1/a/b_c"),
    ],
)
def test_buckets(text: str, shown: str, tmp_path: Path) -> None:
    pytest.importorskip("obstore", reason="the extra s3 is not installed")
    environment = {**KEYS, "XDG_CACHE_HOME": str(tmp_path)}
    backend = open_backend(text, environment)
    assert backend.shown == shown
    assert backend.local_folder is not None
    assert backend.local_folder.parent == tmp_path / "dwcp" / "stores"
    elsewhere = open_backend(text, {**environment, "AWS_ENDPOINT_URL": "https://host"})
    assert elsewhere.local_folder != backend.local_folder
    assert list(tmp_path.iterdir()) == []


def test_the_extra_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("dwcp.storage.backends.bucket")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "obstore", None)
    monkeypatch.setitem(sys.modules, "obstore.exceptions", None)
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    with pytest.raises(ExtraMissingError, match=r"dwcp\[s3\]"):
        open_backend("s3://bucket", KEYS)


def test_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_folder("ab", {"XDG_CACHE_HOME": "/c"}) == Path("/c/dwcp/stores/ab")
    monkeypatch.setenv("HOME", str(tmp_path))
    for ignored in ("", "relative"):
        assert cache_folder("ab", {"XDG_CACHE_HOME": ignored}) == tmp_path / ".cache/dwcp/stores/ab"
