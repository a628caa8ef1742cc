import ssl
import threading
from contextlib import closing, suppress

import pytest

from dwcp.errors import AuthenticationError, InputError, ProtocolError
from dwcp.transfer.security import KeyFolder, ReceiverSecurity, SecurityOptions, SenderSecurity, TlsSocket
from dwcp.transfer.security.proofs import NO_BINDING

TLS = SecurityOptions(plain=False)
PLAIN = SecurityOptions(plain=True)


@pytest.mark.parametrize("options", [SecurityOptions(), TLS, PLAIN])
def test_who_knows_the_token_is_let_in(here, there, options, greet):
    assert greet(ReceiverSecurity(here, options), SenderSecurity(there, options)) == ("met", "welcome")


@pytest.mark.parametrize("options", [TLS, PLAIN])
@pytest.mark.usefixtures("far")
def test_on_the_way_to_another_host_too(here, there, options, greet):
    assert greet(ReceiverSecurity(here, options), SenderSecurity(there, options)) == ("met", "welcome")


@pytest.mark.parametrize("options", [SecurityOptions(), TLS, PLAIN])
def test_another_token_meets_with_a_refusal_before_anything_is_said(here, tmp_path, options, greet):
    stranger = SenderSecurity(KeyFolder(tmp_path / "stranger"), options)
    received, sent = greet(ReceiverSecurity(here, options), stranger)
    assert isinstance(sent, AuthenticationError)
    assert "does not know this side's token, or somebody sits in between" in str(sent)
    assert received != "met"


def test_a_sender_that_does_not_look_is_refused_by_the_receiver(here, tmp_path, greet, monkeypatch):
    stranger = SenderSecurity(KeyFolder(tmp_path / "stranger"))
    monkeypatch.setattr(stranger, "check", lambda *_: None)
    received, sent = greet(ReceiverSecurity(here), stranger)
    assert isinstance(received, AuthenticationError)
    assert "the sender does not know this side's token" in str(received)
    assert sent != "welcome"


def test_a_proof_cannot_be_used_again_nor_turned_round(here, there):
    receiver, sender = ReceiverSecurity(here), SenderSecurity(there)
    mine, theirs, other, binding = b"a" * 32, b"b" * 32, b"c" * 32, b"d" * 32
    said, answered = receiver.prove(mine, theirs, binding), sender.prove(mine, theirs, binding)
    sender.check("token", said, mine, theirs, binding)
    receiver.check(answered, mine, theirs, binding)
    for arguments in (
        (other, theirs, binding),
        (mine, other, binding),
        (mine, theirs, other),
        (theirs, mine, binding),
    ):
        with pytest.raises(AuthenticationError):
            sender.check("token", said, *arguments)
        with pytest.raises(AuthenticationError):
            receiver.check(answered, *arguments)
    for wrong in (said, b"", answered[:-1], bytes(32)):
        with pytest.raises(AuthenticationError):
            receiver.check(wrong, mine, theirs, binding)


def test_a_nonce_of_another_length_is_refused(here, there):
    with pytest.raises(ProtocolError):
        ReceiverSecurity(here).prove(b"short", bytes(32), NO_BINDING)
    with pytest.raises(ProtocolError):
        SenderSecurity(there).check("token", bytes(32), bytes(32), b"short", NO_BINDING)


def test_a_token_that_is_too_short_is_refused_when_read(here):
    here.ensure()
    (here.path / "token").write_text("letmein")
    for side in (ReceiverSecurity, SenderSecurity):
        with pytest.raises(InputError, match="has 7 characters"):
            side(here)


@pytest.mark.parametrize("claimed", ["none", "certificate", "", "nonsense" * 10])
def test_a_receiver_cannot_talk_the_sender_out_of_the_token(there, claimed):
    with pytest.raises(AuthenticationError, match=r"receiver uses"):
        SenderSecurity(there).check(claimed, b"", bytes(32), bytes(32), NO_BINDING)


def test_the_binding_is_the_receivers_certificate_at_both_ends(here, there, sockets):
    receiver, sender = ReceiverSecurity(here, TLS), SenderSecurity(there, TLS)
    received, sent = sockets.meet(receiver, sender)
    assert receiver.binding(received) == sender.binding(sent) != NO_BINDING
    assert (received.version(), sent.cipher()[1]) == ("TLSv1.3", "TLSv1.3")


def test_the_binding_in_plain_text_is_zeros(here, there, sockets):
    receiver, sender = ReceiverSecurity(here, PLAIN), SenderSecurity(there, PLAIN)
    received, sent = sockets.meet(receiver, sender)
    assert receiver.binding(received) == sender.binding(sent) == NO_BINDING == bytes(32)


def pump(source, target):
    """Pass on what comes, until either side ends it."""
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for sock in (source, target):
        with suppress(OSError):
            sock.shutdown(2)


class Relay:
    """Somebody in between, who ends the encryption and begins another: reads all and passes it on."""

    def __init__(self, sockets, keys):
        self.sockets = sockets
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server.load_cert_chain(keys.identity_file)
        self.client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.client.check_hostname = False
        self.client.verify_mode = ssl.CERT_NONE
        self.client.load_cert_chain(keys.identity_file)
        self.server.sslsocket_class = self.client.sslsocket_class = TlsSocket
        self.front, self.back = sockets.listen(), sockets.listen()

    def ends(self):
        """The receiver's end and the sender's, with the relay at work between them."""
        sender = self.sockets.connect(self.front.getsockname())
        toward_receiver = self.sockets.connect(self.back.getsockname())
        receiver = self.sockets.accept(self.back)
        toward_sender = self.sockets.accept(self.front)
        threading.Thread(target=self.work, args=(toward_sender, toward_receiver), daemon=True).start()
        return receiver, sender

    def work(self, toward_sender, toward_receiver):
        with suppress(OSError):
            front = self.sockets.keep(self.server.wrap_socket(toward_sender, server_side=True))
            back = self.sockets.keep(self.client.wrap_socket(toward_receiver))
            for sock in (front, back):
                sock.ready()
            self.sockets.start(pump, front, back)
            pump(back, front)
        for sock in (toward_sender, toward_receiver):
            sock.close()


@pytest.fixture
def relay(sockets, tmp_path):
    keys = KeyFolder(tmp_path / "relay")
    keys.ensure()
    return Relay(sockets, keys)


def test_somebody_in_between_is_found_out(here, there, relay, greet):
    received, sent = greet(ReceiverSecurity(here, TLS), SenderSecurity(there, TLS), relay.ends())
    assert isinstance(sent, AuthenticationError)
    assert "somebody sits in between" in str(sent)
    assert received != "met"


def test_somebody_in_between_is_found_out_by_the_receiver_too(here, there, relay, greet, monkeypatch):
    careless = SenderSecurity(there, TLS)
    monkeypatch.setattr(careless, "check", lambda *_: None)
    received, sent = greet(ReceiverSecurity(here, TLS), careless, relay.ends())
    assert isinstance(received, AuthenticationError)
    assert sent != "welcome"


def test_the_relay_works_where_nobody_looks(here, there, relay, greet, monkeypatch):
    receiver, sender = ReceiverSecurity(here, TLS), SenderSecurity(there, TLS)
    for side in (receiver, sender):
        monkeypatch.setattr(side, "check", lambda *_: None)
    assert greet(receiver, sender, relay.ends()) == ("met", "welcome")


def test_further_streams_lead_to_the_same_receiver(here, there, sockets, tmp_path):
    receiver, sender = ReceiverSecurity(here, TLS), SenderSecurity(there, TLS)
    _, first = sockets.meet(receiver, sender)
    binding = sender.binding(first)

    def connect(to):
        listening, raw = sockets.pair()
        accepted = sockets.start(to.wrap, listening)
        try:
            return sender.wrap(raw, binding)
        finally:
            accepted.result(10).close()

    with closing(connect(receiver)) as second:
        assert sender.binding(second) == binding
    other = KeyFolder(tmp_path / "other")
    other.set_token(here.token())
    with pytest.raises(AuthenticationError, match="another receiver answers than at first"):
        connect(ReceiverSecurity(other, TLS))
