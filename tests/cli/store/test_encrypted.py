"""An encrypted store: its passphrase comes from a file, from the environment, or from whoever is asked."""

import json

import pytest
import typer

from dwcp.cli.store import passphrases


@pytest.fixture
def secret(here):
    (here / "secret").write_text("correct horse\n")
    return "secret"


@pytest.fixture
def sealed(run, photos, secret):
    assert run("store", "init", "sealed", "--encrypt", "--passphrase-file", secret).status == 0
    assert run("store", "put", "sealed", "photos", "--passphrase-file", secret).status == 0
    return photos.parent / "sealed"


def test_what_is_kept_comes_back_and_shows_nothing(run, sealed, photos, secret, here):
    assert run("store", "get", "sealed", "latest", "out", "--passphrase-file", secret).status == 0
    assert (here / "out/photos/list.txt").read_bytes() == (photos / "list.txt").read_bytes()
    whole = b"".join(path.read_bytes() for path in sealed.rglob("*") if path.is_file())
    assert b"list.txt" not in whole
    assert b"sea\nsea" not in whole


def test_the_environment_may_hold_it(run, sealed, monkeypatch):
    monkeypatch.setenv(passphrases.VARIABLE, "correct horse")
    assert run("store", "verify", "sealed").status == 0
    assert json.loads(run("store", "stats", "sealed", "--json").out)["snapshot_count"] == 1


def test_for_a_plain_store_the_environment_is_no_matter(run, store, monkeypatch):
    monkeypatch.setenv(passphrases.VARIABLE, "correct horse")
    assert run("store", "ls", "store").status == 0


def test_it_is_asked_for_at_a_terminal(run, sealed, monkeypatch):
    asked = []

    def prompt(words, **how):
        asked.append((words, how["confirmation_prompt"]))
        return "correct horse"

    monkeypatch.setattr(typer, "prompt", prompt)
    monkeypatch.setattr(passphrases.sys.stdin, "isatty", lambda: True, raising=False)
    assert run("store", "ls", "sealed").status == 0
    assert run("store", "init", "another", "--encrypt").status == 0
    assert asked == [("Passphrase", False), ("New passphrase", True)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("ls", "sealed"), "passphrase: there is nobody to ask"),
        (("ls", "sealed", "--passphrase-file", "wrong"), "this is not the passphrase of the store in sealed"),
        (
            ("ls", "sealed", "--passphrase-file", "none"),
            "the passphrase in none cannot be read: No such file",
        ),
        (("init", "new", "--encrypt", "--passphrase-file", "empty"), "has at least one character"),
        (("ls", "store", "--passphrase-file", "secret"), "is not encrypted"),
        (("passphrase", "store", "--new-passphrase-file", "secret"), "is not encrypted"),
    ],
)
def test_what_cannot_be_is_one_sentence(run, sealed, store, here, words, said):
    (here / "wrong").write_text("incorrect horse")
    (here / "empty").write_text("\n")
    done = run("store", *words)
    assert done.status == 2
    assert said in done.err
    assert done.err.count("\n") == 1


def test_another_passphrase_takes_its_place(run, sealed, secret, here):
    (here / "new").write_text("battery staple")
    changed = run(
        "store", "passphrase", "sealed", "--passphrase-file", secret, "--new-passphrase-file", "new"
    )
    assert changed.status == 0
    assert run("store", "verify", "sealed", "--passphrase-file", "new").status == 0
    assert run("store", "verify", "sealed", "--passphrase-file", secret).status == 2
