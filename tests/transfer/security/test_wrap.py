import socket
import ssl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dwcp.errors import AuthenticationError, ConnectionLostError, InputError, ProtocolError, TransferError
from dwcp.transfer.security import KeyFolder, ReceiverSecurity, SecurityOptions, SenderSecurity, TlsSocket

TLS = SecurityOptions(plain=False, handshake_timeout_s=5)
PLAIN = SecurityOptions(plain=True, handshake_timeout_s=5)
OPEN = SecurityOptions(authentication="none", handshake_timeout_s=5)
HASTY = 0.05


def closed(sock):
    return sock.fileno() == -1


def test_plain_text_is_what_stays_on_this_host(here, there, sockets):
    ends = sockets.meet(ReceiverSecurity(here), SenderSecurity(there))
    assert all(type(end) is socket.socket for end in ends)


@pytest.mark.usefixtures("far")
def test_everything_else_is_encrypted(here, there, sockets):
    ends = sockets.meet(ReceiverSecurity(here), SenderSecurity(there))
    assert all(isinstance(end, TlsSocket) and end.version() == "TLSv1.3" for end in ends)


@pytest.mark.usefixtures("far")
def test_plain_text_leaves_this_host_when_told_but_not_without_the_token(here, there, sockets):
    receiver, sender = ReceiverSecurity(here, PLAIN), SenderSecurity(there, PLAIN)
    assert receiver.authentication == sender.authentication == "token"
    assert all(type(end) is socket.socket for end in sockets.meet(receiver, sender))


def test_who_trusts_certificates_may_still_use_plain_text_with_the_token(here, there):
    here.trust("laptop", there.certificate_pem().encode())
    assert ReceiverSecurity(here, PLAIN).authentication == "token"


def test_without_authentication_no_keys_are_touched(tmp_path, greet):
    keys = KeyFolder(tmp_path / "none")
    assert greet(ReceiverSecurity(keys, OPEN), SenderSecurity(keys, OPEN)) == ("met", "welcome")
    assert not keys.path.exists()


@pytest.mark.parametrize("side", [ReceiverSecurity, SenderSecurity])
@pytest.mark.usefixtures("far")
def test_without_authentication_nothing_leaves_this_host(tmp_path, sockets, side):
    raw, _ = sockets.pair()
    with pytest.raises(AuthenticationError, match="is not on this host: use the token or certificates"):
        side(KeyFolder(tmp_path), OPEN).wrap(raw)
    assert closed(raw)


def test_a_receiver_without_authentication_is_not_taken_by_one_with_it(here, there, greet):
    received, sent = greet(ReceiverSecurity(here, OPEN), SenderSecurity(there))
    assert "the receiver uses 'none', this side 'token'" in str(sent)
    received, sent = greet(ReceiverSecurity(here), SenderSecurity(there, OPEN))
    assert "the receiver uses 'token', this side 'none'" in str(sent)
    assert received != "met"


@pytest.mark.parametrize(
    "choices",
    [
        {"plain": True, "authentication": "certificate"},
        {"plain": True, "peer": "server"},
        {"plain": False, "authentication": "none"},
        {"peer": "server", "authentication": "token"},
        {"peer": "server", "authentication": "none"},
    ],
)
def test_choices_that_exclude_each_other(choices):
    with pytest.raises(InputError):
        SecurityOptions(**choices)


def test_tls_over_a_tunnel_that_ends_here_is_taken(here, there, greet):
    assert greet(ReceiverSecurity(here), SenderSecurity(there, TLS)) == ("met", "welcome")


def test_tls_where_plain_text_is_forced_is_explained(here, there, sockets):
    received, sent = sockets.meet(ReceiverSecurity(here, PLAIN), SenderSecurity(there, TLS))
    assert isinstance(received, ProtocolError)
    assert str(received).endswith(
        "speaks TLS, and this side does not: give both sides --plain, or both --tls"
    )
    assert isinstance(sent, ProtocolError)
    assert str(sent).endswith(
        "does not speak TLS, and this side does: give both sides --plain, or both --tls"
    )


@pytest.mark.parametrize("first", [b"\x01\0\0\0", b"GET "])
def test_plain_text_where_tls_is_needed_is_explained(here, sockets, first):
    raw, other = sockets.pair()
    refused = sockets.start(ReceiverSecurity(here, TLS).wrap, raw)
    other.sendall(first)
    said = b"".join(iter(lambda: other.recv(4096), b""))
    other.close()
    with pytest.raises(
        ProtocolError, match="does not speak TLS, and this side does: give both sides --plain"
    ):
        refused.result(10)
    assert closed(raw)
    assert b"this side speaks TLS, and what came was plain text: give both sides --plain" in said


@pytest.mark.parametrize(
    "words",
    [
        b"\x01\0\0\0\0\0\0\x40" + bytes(64),
        b"GET / HTTP/1.1\r\n\r\n",
        b"\0" * 300,
        b"\xff" * 300,
        b"\x16\x03\x01\0\x20" + bytes(32),
    ],
)
def test_garbage_instead_of_a_handshake(here, sockets, words):
    raw, other = sockets.pair()
    other.sendall(words)
    with pytest.raises(ProtocolError, match=r"127\.0\.0\.1:\d+ does not (speak|keep to) TLS"):
        ReceiverSecurity(here, TLS).wrap(raw)
    assert closed(raw)


@pytest.mark.parametrize("words", [b"\x0d\0\0\0\0\0\0\x10" + bytes(16), b"220 smtp\r\n"])
def test_garbage_from_a_receiver(there, sockets, words):
    other, raw = sockets.pair()
    other.sendall(words)
    with pytest.raises(ProtocolError, match="does not speak TLS"):
        SenderSecurity(there, TLS).wrap(raw)
    assert closed(raw)


def test_older_tls_is_refused(here, sockets):
    raw, other = sockets.pair()
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname = False
    old.verify_mode = ssl.CERT_NONE
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    refused = sockets.start(old.wrap_socket, other)
    with pytest.raises(ProtocolError, match=r"does not speak TLS 1\.3"):
        ReceiverSecurity(here, TLS).wrap(raw)
    with pytest.raises(ssl.SSLError):
        refused.result(10)


def test_an_older_receiver_is_refused(here, there, sockets):
    other, raw = sockets.pair()
    here.ensure()
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    old.load_cert_chain(here.identity_file)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    refused = sockets.start(lambda: old.wrap_socket(other, server_side=True))
    with pytest.raises(ProtocolError, match=r"does not speak TLS 1\.3"):
        SenderSecurity(there, TLS).wrap(raw)
    with pytest.raises(ssl.SSLError):
        refused.result(10)


@pytest.mark.parametrize(
    ("plain", "said"), [(True, b""), (False, b""), (False, b"\x16"), (False, b"\x16\x03\x01\2\0\1")]
)
def test_a_handshake_that_takes_too_long_is_given_up(here, sockets, said, plain):
    raw, other = sockets.pair()
    other.sendall(said)
    options = SecurityOptions(plain=plain, handshake_timeout_s=HASTY)
    with pytest.raises(ConnectionLostError, match="did not answer in time"):
        ReceiverSecurity(here, options).wrap(raw)
    assert closed(raw)


def test_a_sender_does_not_wait_for_ever_either(there, sockets):
    _, raw = sockets.pair()
    options = SecurityOptions(plain=False, handshake_timeout_s=HASTY)
    with pytest.raises(ConnectionLostError, match="did not answer in time"):
        SenderSecurity(there, options).wrap(raw)
    assert closed(raw)


@pytest.mark.parametrize("options", [PLAIN, TLS])
def test_who_hangs_up_at_once_is_lost(here, sockets, options):
    raw, other = sockets.pair()
    other.close()
    with pytest.raises(ConnectionLostError):
        ReceiverSecurity(here, options).wrap(raw)
    assert closed(raw)


@pytest.mark.parametrize("side", [ReceiverSecurity, SenderSecurity])
def test_a_socket_that_is_not_connected_is_lost(here, side):
    with socket.socket() as raw, pytest.raises(ConnectionLostError):
        side(here, TLS).wrap(raw)


@pytest.mark.parametrize("options", [PLAIN, TLS])
@pytest.mark.parametrize("timeout_s", [None, 7.5])
def test_the_timeout_stays_what_it_was(here, there, sockets, options, timeout_s):
    ends = sockets.pair()
    for end in ends:
        end.settimeout(timeout_s)
    wrapped = sockets.meet(ReceiverSecurity(here, options), SenderSecurity(there, options), ends)
    assert [end.gettimeout() for end in wrapped] == [timeout_s, timeout_s]


def test_one_object_serves_many_connections_at_once(here, there, sockets):
    receiver, sender = ReceiverSecurity(here, TLS), SenderSecurity(there, TLS)
    pairs = [sockets.pair() for _ in range(4)]
    taken = [sockets.start(receiver.wrap, pair[0]) for pair in pairs]
    made = [sockets.start(sender.wrap, pair[1]) for pair in pairs]
    for one, other in zip(taken, made, strict=True):
        received, sent = sockets.keep(one.result(10)), sockets.keep(other.result(10))
        sent.sendall(b"x")
        assert received.recv(10) == b"x"


def test_a_key_with_a_password_is_never_asked_for(here, sockets):
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

    secret = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
    )
    pem = here.certificate_pem()
    here.identity_file.write_bytes(secret + pem.encode())
    with pytest.raises(InputError, match="is damaged"):
        ReceiverSecurity(here, TLS)


@pytest.fixture(scope="module")
def receivers(tmp_path_factory):
    keys = KeyFolder(tmp_path_factory.mktemp("keys"))
    return [ReceiverSecurity(keys, options) for options in (TLS, PLAIN, SecurityOptions())]


records = st.builds(
    lambda kind, version, body: bytes([kind]) + version + len(body).to_bytes(2, "big") + body,
    st.integers(20, 24),
    st.sampled_from([b"\3\1", b"\3\3", b"\3\4", b"\2\0"]),
    st.binary(max_size=300),
)


@settings(deadline=None)
@given(st.one_of(st.binary(max_size=200), st.lists(records, max_size=3).map(b"".join)), st.integers(0, 2))
def test_whatever_comes_ends_in_an_error_of_the_package(receivers, words, place):
    raw, other = socket.socketpair()
    with raw, other:
        other.sendall(words)
        other.shutdown(socket.SHUT_WR)
        is_plain = place and words and words[0] != 0x16
        if is_plain:
            assert receivers[place].wrap(raw) is raw
            assert raw.recv(1000) == words[:1000]
        else:
            with pytest.raises(TransferError):
                receivers[place].wrap(raw)
            assert closed(raw)
