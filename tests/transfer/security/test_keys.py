import errno
import json
import os
import ssl
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from subprocess import PIPE
from threading import Barrier

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from dwcp.errors import InputError, StorageError
from dwcp.transfer.security import KeyFolder, default_key_folder
from dwcp.transfer.security.identity import make_identity


@pytest.fixture
def keys(tmp_path):
    return KeyFolder(tmp_path / "deep" / "keys")


def mode(path):
    return path.stat().st_mode & 0o777


def pem_of(folder):
    return KeyFolder(folder).certificate_pem().encode()


def test_where_keys_lie():
    assert default_key_folder({"DWCP_KEYS": "/x", "XDG_CONFIG_HOME": "/y"}) == Path("/x")
    assert default_key_folder({"XDG_CONFIG_HOME": "/y"}) == Path("/y/dwcp/keys")
    home = Path.home() / ".config" / "dwcp" / "keys"
    assert default_key_folder({}) == default_key_folder({"XDG_CONFIG_HOME": "relative"}) == home


def test_the_environment_says_where(monkeypatch, tmp_path):
    monkeypatch.setenv("DWCP_KEYS", str(tmp_path))
    assert KeyFolder().path == tmp_path


def test_without_a_home_a_folder_must_be_named(monkeypatch):
    def homeless():
        raise RuntimeError

    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(InputError, match="set DWCP_KEYS"):
        default_key_folder({})


def test_keys_are_made_on_first_use_for_this_user_alone(keys):
    keys.ensure()
    first = (keys.certificate(), keys.token(), keys.identity_file.read_bytes())
    keys.ensure()
    assert (keys.certificate(), keys.token(), keys.identity_file.read_bytes()) == first
    assert [path.name for path in sorted(keys.path.iterdir())] == ["identity.pem", "token"]
    assert [mode(path) for path in (keys.path, *keys.path.iterdir())] == [0o700, 0o600, 0o600]


def test_a_loose_umask_changes_nothing(keys):
    before = os.umask(0)
    try:
        keys.ensure()
        keys.trust("me", pem_of(keys.path))
    finally:
        os.umask(before)
    assert {mode(path) for path in keys.path.rglob("*") if path.is_file()} == {0o600}
    assert mode(keys.path) == mode(keys.path / "trusted") == 0o700


def test_the_certificate_never_expires_and_fits_the_key(keys):
    certificate = x509.load_der_x509_certificate(keys.certificate())
    assert certificate.not_valid_after_utc.year == 9999
    assert certificate.not_valid_before_utc.year == 1970
    key = load_pem_private_key(keys.identity_file.read_bytes(), None)
    assert key.public_key() == certificate.public_key()
    certificate.verify_directly_issued_by(certificate)
    assert ssl.PEM_cert_to_DER_cert(keys.certificate_pem()) == keys.certificate()
    assert "PRIVATE" not in keys.certificate_pem()


def test_the_fingerprint_is_the_one_that_other_tools_show(keys):
    file = keys.path.parent / "c.pem"
    file.parent.mkdir(parents=True)
    file.write_text(keys.certificate_pem())
    shown = x509.load_pem_x509_certificate(file.read_bytes())
    from cryptography.hazmat.primitives.hashes import SHA256

    assert keys.fingerprint == shown.fingerprint(SHA256()).hex(":").upper()


def test_every_identity_has_a_name_of_its_own():
    names = {x509.load_pem_x509_certificate(make_identity()).subject for _ in range(3)}
    assert len(names) == 3


@pytest.mark.parametrize("name", ["identity.pem", "token"])
@pytest.mark.parametrize("bits", [0o640, 0o604, 0o620])
def test_a_secret_that_others_may_read_is_refused(keys, name, bits):
    keys.ensure()
    (keys.path / name).chmod(bits)
    with pytest.raises(InputError, match=rf"{name} may be read by others: run chmod 600"):
        keys.ensure()


@pytest.mark.parametrize("bits", [0o770, 0o707, 0o722])
def test_a_folder_that_others_may_change_is_refused(keys, bits):
    keys.trust("me", pem_of(keys.path))
    keys.path.chmod(bits)
    for use in (keys.certificate, keys.token, keys.trusted, keys.renew_token):
        with pytest.raises(InputError, match="may be changed by others"):
            use()


def test_trust_that_others_may_change_is_refused(keys):
    keys.trust("me", pem_of(keys.path))
    file = keys.path / "trusted" / "me.pem"
    file.chmod(0o644)
    assert list(keys.trusted()) == ["me"]
    file.chmod(0o664)
    with pytest.raises(InputError, match=r"me\.pem may be changed by others"):
        keys.trusted()
    file.chmod(0o600)
    file.parent.chmod(0o777)
    with pytest.raises(InputError, match="trusted may be changed by others"):
        keys.trusted()


@pytest.mark.parametrize(
    "content", [b"", b"nothing", b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"]
)
def test_a_damaged_identity_is_never_replaced(keys, content):
    keys.ensure()
    keys.identity_file.write_bytes(content)
    with pytest.raises(InputError, match="is damaged: restore it"):
        keys.certificate()
    assert keys.identity_file.read_bytes() == content


def test_a_token_that_was_cut_off_is_refused(keys):
    keys.ensure()
    (keys.path / "token").write_text("abc\n")
    with pytest.raises(InputError, match="token: the token has 3 characters"):
        keys.token()


def test_tokens_are_renewed_and_taken_over(keys):
    old, new = keys.token(), keys.renew_token()
    assert old != new == keys.token()
    keys.set_token(f" {old}\n")
    assert keys.token() == old
    with pytest.raises(InputError):
        keys.set_token("short")
    assert keys.token() == old
    assert mode(keys.path / "token") == 0o600


def test_whom_it_trusts(keys, tmp_path):
    assert keys.trusted() == {}
    other, third = KeyFolder(tmp_path / "other"), KeyFolder(tmp_path / "third")
    assert keys.trust("server", pem_of(other.path)) == other.fingerprint
    keys.trust("a.b-c_9", pem_of(third.path))
    keys.trust("server", pem_of(other.path))
    assert keys.trusted() == {"a.b-c_9": third.certificate(), "server": other.certificate()}
    keys.distrust("server")
    assert list(keys.trusted()) == ["a.b-c_9"]


def test_a_name_means_one_certificate(keys, tmp_path):
    keys.trust("server", pem_of(tmp_path / "other"))
    with pytest.raises(InputError, match="dwcp keys distrust server first"):
        keys.trust("server", pem_of(tmp_path / "third"))
    assert keys.trusted() == {"server": KeyFolder(tmp_path / "other").certificate()}


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "../x", ".hidden", "a b", "ü", "x" * 65, "a\n", "-x", "a\0b"]
)
def test_other_names_are_refused(keys, name):
    for use in (lambda: keys.trust(name, b""), lambda: keys.distrust(name)):
        with pytest.raises(InputError, match="cannot name a certificate"):
            use()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda _: b"", "not a PEM certificate"),
        (lambda _: b"\xff\x00", "not a PEM certificate"),
        (lambda pem: pem.replace(b"M", b"N"), "not a PEM certificate"),
        (lambda pem: pem[: len(pem) // 2], "not a PEM certificate"),
        (lambda pem: pem + pem, "holds 2 certificates"),
        (lambda _: make_identity(), "holds a private key"),
    ],
)
def test_what_is_no_certificate_is_refused(keys, tmp_path, make, sentence):
    with pytest.raises(InputError, match=sentence):
        keys.trust("server", make(pem_of(tmp_path / "other")))
    assert keys.trusted() == {}


def test_to_distrust_nobody_is_said(keys):
    keys.trust("laptop", pem_of(keys.path))
    with pytest.raises(InputError, match="no certificate is trusted as server; trusted: laptop"):
        keys.distrust("server")


def test_other_files_among_the_trusted_are_left_alone(keys):
    keys.trust("me", pem_of(keys.path))
    for name in ("README", ".me.pem.0123", "not a name.pem"):
        (keys.path / "trusted" / name).write_text("x")
    assert list(keys.trusted()) == ["me"]


def test_a_damaged_trusted_certificate_is_named(keys):
    keys.trust("me", pem_of(keys.path))
    (keys.path / "trusted" / "me.pem").write_text("x")
    with pytest.raises(InputError, match="dwcp keys distrust me, then trust it again"):
        keys.trusted()


def test_what_cannot_be_read_or_written_is_said(keys, tmp_path):
    (tmp_path / "deep").write_text("a file")
    with pytest.raises(StorageError, match=r"cannot be made \(not a directory\): name another") as raised:
        keys.ensure()
    assert not raised.value.retryable
    (tmp_path / "deep").unlink()
    keys.ensure()
    keys.identity_file.unlink()
    keys.identity_file.mkdir()
    with pytest.raises(InputError, match=r"identity\.pem cannot be read"):
        keys.certificate()


@pytest.mark.parametrize("call", ["os.fsync", "os.link"])
def test_a_full_disk_leaves_nothing_half(keys, monkeypatch, call):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(call, full)
    with pytest.raises(StorageError, match=r"no space left on device\): free space, or") as raised:
        keys.ensure()
    assert raised.value.retryable
    assert list(keys.path.iterdir()) == []


def test_threads_that_come_first_at_once_agree(keys):
    barrier = Barrier(8)

    def first(_):
        barrier.wait()
        keys.ensure()
        return keys.fingerprint, keys.token()

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(first, range(8)))) == 1


def test_processes_that_come_first_at_once_agree(keys):
    program = (
        "import sys, json; from pathlib import Path; from dwcp.transfer.security import KeyFolder\n"
        "keys = KeyFolder(Path(sys.argv[1])); print('ready', flush=True); sys.stdin.readline()\n"
        "keys.ensure()\n"
        "print(json.dumps([keys.fingerprint, keys.token()]))"
    )
    words = [sys.executable, "-c", program, str(keys.path)]
    with ExitStack() as running:
        started = [
            running.enter_context(subprocess.Popen(words, stdin=PIPE, stdout=PIPE, text=True))
            for _ in range(3)
        ]
        assert [one.stdout.readline() for one in started] == ["ready\n"] * 3
        for one in started:
            one.stdin.write("go\n")
            one.stdin.flush()
        said = [one.communicate(timeout=30)[0] for one in started]
    assert [json.loads(one) for one in said] == [[keys.fingerprint, keys.token()]] * 3
    assert sorted(path.name for path in keys.path.iterdir()) == ["identity.pem", "token"]
