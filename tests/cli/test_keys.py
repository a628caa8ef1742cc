import io
import json
import ssl
import subprocess
import sys

import pytest

from dwcp.transfer.security import KeyFolder


@pytest.fixture(autouse=True)
def keys(tmp_path, monkeypatch):
    monkeypatch.setenv("DWCP_KEYS", str(tmp_path / "keys"))
    return KeyFolder()


@pytest.fixture
def other(tmp_path):
    """The certificate of another side, in a file."""
    file = tmp_path / "other.pem"
    file.write_text(KeyFolder(tmp_path / "other").certificate_pem())
    return file


@pytest.fixture
def typed(monkeypatch):
    """Put these bytes on standard input."""

    def put(content):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content), "utf-8"))

    return put


def test_keys_are_made_when_they_are_first_shown(run, keys):
    done = run("keys", "show")
    assert done.status == 0
    assert keys.identity_file.exists()
    assert keys.fingerprint in done.out
    assert str(keys.path) in done.out
    assert "none: transfers use the token" in done.out
    assert keys.token() not in done.out
    assert "PRIVATE" not in done.out


def test_what_is_shown_can_be_read_by_machines(run, keys, other):
    run("keys", "trust", "server", other)
    shown = json.loads(run("keys", "show", "--json").out)
    trusted = KeyFolder(other.parent / "other").fingerprint
    assert shown == {
        "fingerprint": keys.fingerprint,
        "folder": str(keys.path),
        "trusted": {"server": trusted},
    }
    assert trusted in run("keys", "show").out


def test_the_token_goes_to_standard_output_alone(run, keys):
    done = run("keys", "token")
    assert done.out == f"{keys.token()}\n"
    assert "keep it secret" in done.err
    assert run("--quiet", "keys", "token").err == ""
    assert run("keys", "token").out == done.out


def test_a_new_token(run, keys):
    old = keys.token()
    new = run("keys", "token", "--new").out.strip()
    assert new == keys.token() != old


def test_a_token_is_taken_from_a_file_or_standard_input(run, keys, tmp_path, typed):
    (tmp_path / "token.txt").write_text("a" * 30 + "\n")
    done = run("keys", "set-token", tmp_path / "token.txt")
    assert done.out == f"the token is set in {keys.path}\n"
    assert keys.token() == "a" * 30
    typed(b"b" * 30 + b"\n")
    assert run("keys", "set-token", "-").status == 0
    assert keys.token() == "b" * 30
    typed(b"c" * 30)
    assert run("keys", "set-token").status == 0
    assert keys.token() == "c" * 30


def test_on_a_terminal_it_is_asked_for_unseen(run, keys, monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("getpass.getpass", lambda _: "d" * 30)
    assert run("keys", "set-token").status == 0
    assert keys.token() == "d" * 30


@pytest.mark.parametrize("content", [b"short\n", b"", b"\xff" * 40, b"two words of a long token"])
def test_a_bad_token_changes_nothing(run, keys, typed, content):
    before = keys.token()
    typed(content)
    done = run("keys", "set-token")
    assert "the token" in done.sentence
    assert done.status == 2
    assert keys.token() == before


def test_the_certificate_is_written_once(run, keys, tmp_path):
    file = tmp_path / "mine.pem"
    done = run("keys", "export", file)
    assert done.out == f"{file} holds the certificate {keys.fingerprint}\n"
    assert ssl.PEM_cert_to_DER_cert(file.read_text()) == keys.certificate()
    again = run("keys", "export", file)
    assert "stands already" in again.sentence
    assert again.status == 2
    assert run("keys", "export", "-").out == file.read_text()


def test_a_certificate_that_cannot_be_written_is_one_sentence(run, tmp_path):
    done = run("keys", "export", tmp_path / "nowhere" / "mine.pem")
    assert "cannot be written" in done.sentence
    assert done.status == 1


def test_trust_and_distrust(run, keys, other, typed):
    fingerprint = KeyFolder(other.parent / "other").fingerprint
    assert run("keys", "trust", "server", other).out == f"server is trusted: {fingerprint}\n"
    typed(other.read_bytes())
    assert run("keys", "trust", "piped", "-").status == 0
    assert list(keys.trusted()) == ["piped", "server"]
    assert run("keys", "distrust", "server").out == "server is not trusted any more\n"
    assert list(keys.trusted()) == ["piped"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["trust", "server", "missing.pem"], "missing.pem cannot be read (No such file or directory)"),
        (["trust", "server", "."], "cannot be read (Is a directory)"),
        (["trust", "../server", "OTHER"], "'../server' cannot name a certificate"),
        (
            ["trust", "server", "BAD"],
            "what was given for server cannot be trusted: it is not a PEM certificate",
        ),
        (["trust", "server", "SECRET"], "it holds a private key, which must stay where it was made"),
        (["distrust", "server"], "no certificate is trusted as server; trusted: none"),
        (["set-token", "missing.txt"], "missing.txt cannot be read (No such file or directory)"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(run, keys, other, tmp_path, words, sentence):
    keys.ensure()
    bad = tmp_path / "bad.pem"
    bad.write_text("no certificate")
    files = {"OTHER": other, "BAD": bad, "SECRET": keys.identity_file}
    done = run("keys", *(files.get(word, word) for word in words))
    assert sentence in done.sentence
    assert done.status == 2


def test_another_certificate_under_a_known_name_is_refused(run, keys, other):
    keys.trust("server", keys.certificate_pem().encode())
    done = run("keys", "trust", "server", other)
    assert "dwcp keys distrust server first" in done.sentence
    assert done.status == 2


def test_keys_that_lie_open_are_refused(run, keys):
    keys.ensure()
    keys.identity_file.chmod(0o644)
    done = run("keys", "show")
    assert "may be read by others: run chmod 600" in done.sentence
    assert done.status == 2


def test_the_command_line_stays_quick():
    """What only some commands need is not loaded by all of them."""
    heavy = "('ssl', 'cryptography', 'dwcp.transfer')"
    program = f"import sys, dwcp.cli.keys; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
