import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from dwcp.errors import AuthenticationError, InputError
from dwcp.transfer.security import KeyFolder, ReceiverSecurity, SecurityOptions, SenderSecurity, TlsSocket

TOKEN = SecurityOptions(authentication="token", plain=False)
CERTIFICATE = SecurityOptions(authentication="certificate")


@pytest.fixture
def friends(here, there):
    """Both trust each other."""
    here.trust("laptop", there.certificate_pem().encode())
    there.trust("server", here.certificate_pem().encode())


def others(tmp_path, keys, count=3):
    """Let a side trust others, too."""
    for number in range(count):
        other = KeyFolder(tmp_path / f"other{number}")
        keys.trust(f"other{number}", other.certificate_pem().encode())


@pytest.mark.usefixtures("friends")
def test_who_is_trusted_is_let_in_without_a_token(here, there, tmp_path, greet):
    there.renew_token()
    others(tmp_path, here)
    others(tmp_path, there)
    receiver, sender = ReceiverSecurity(here), SenderSecurity(there)
    assert receiver.authentication == sender.authentication == "certificate"
    assert greet(receiver, sender) == ("met", "welcome")


@pytest.mark.usefixtures("friends")
def test_certificates_mean_tls_on_this_host_too(here, there, sockets):
    ends = sockets.meet(ReceiverSecurity(here), SenderSecurity(there))
    assert all(isinstance(end, TlsSocket) and end.version() == "TLSv1.3" for end in ends)


@pytest.mark.usefixtures("friends")
def test_a_receiver_that_is_not_trusted_is_refused(here, there, tmp_path, greet):
    there.distrust("server")
    others(tmp_path, there)
    received, sent = greet(ReceiverSecurity(here), SenderSecurity(there))
    assert isinstance(sent, AuthenticationError)
    assert "shows a certificate that is not trusted here" in str(sent)
    assert "dwcp keys trust NAME FILE" in str(sent)
    assert isinstance(received, AuthenticationError)


@pytest.mark.usefixtures("friends")
def test_a_sender_that_is_not_trusted_is_refused_and_told(here, there, tmp_path, greet):
    here.distrust("laptop")
    others(tmp_path, here)
    received, sent = greet(ReceiverSecurity(here), SenderSecurity(there))
    assert "shows a certificate that is not trusted here" in str(received)
    assert "does not trust this side's certificate: there, dwcp keys trust" in str(sent)
    assert isinstance(received, AuthenticationError)
    assert isinstance(sent, AuthenticationError)


@pytest.mark.usefixtures("friends")
def test_of_the_trusted_only_the_one_that_was_named(here, there, tmp_path, greet):
    others(tmp_path, there)
    named = SecurityOptions(peer="server")
    assert greet(ReceiverSecurity(here), SenderSecurity(there, named)) == ("met", "welcome")
    _, sent = greet(ReceiverSecurity(here), SenderSecurity(there, SecurityOptions(peer="other1")))
    assert isinstance(sent, AuthenticationError)
    others(tmp_path, here)
    received, _ = greet(ReceiverSecurity(here, SecurityOptions(peer="other1")), SenderSecurity(there))
    assert isinstance(received, AuthenticationError)


@pytest.mark.usefixtures("friends")
def test_a_new_identity_is_not_the_trusted_one(here, there, greet):
    here.identity_file.unlink()
    received, sent = greet(ReceiverSecurity(here), SenderSecurity(there))
    assert isinstance(sent, AuthenticationError)
    assert received != "met"


@pytest.mark.usefixtures("friends")
def test_another_key_with_the_trusted_certificate_cannot_be_used(here, there):
    secret, _, rest = here.identity_file.read_text().partition("-----BEGIN CERTIFICATE")
    assert secret
    assert rest
    here.identity_file.write_text(secret + there.certificate_pem())
    with pytest.raises(InputError, match="is damaged"):
        ReceiverSecurity(here)


def authority(key):
    """A certificate that may sign others."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "authority")])
    return issue(name, name, key.public_key(), key, ca=True)


def issue(subject, issuer, public, key, ca=False):
    now = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now.replace(year=9000))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )


@pytest.mark.parametrize("side", ["receiver", "sender"])
@pytest.mark.usefixtures("friends")
def test_what_a_trusted_certificate_signed_is_not_trusted(here, there, greet, side):
    """An authority taken for a peer must not let in everybody it ever signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    root = authority(key)
    liar, victim, name = (here, there, "server") if side == "receiver" else (there, here, "laptop")
    victim.distrust(name)
    victim.trust(name, root.public_bytes(Encoding.PEM))
    own = load_pem_private_key(liar.identity_file.read_bytes(), None)
    leaf = issue(x509.Name([]), root.subject, own.public_key(), key)
    secret = own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    liar.identity_file.write_bytes(secret + leaf.public_bytes(Encoding.PEM))
    received, sent = greet(ReceiverSecurity(here), SenderSecurity(there))
    refused = sent if side == "receiver" else received
    assert isinstance(refused, AuthenticationError)
    assert "is not trusted here: dwcp keys trust" in str(refused)
    assert (received, sent) != ("met", "welcome")


def test_certificates_of_other_tools_may_be_used(here, there, greet):
    for keys, name in ((here, "server"), (there, "laptop")):
        key = ec.generate_private_key(ec.SECP256R1())
        keys.ensure()
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        keys.identity_file.write_bytes(secret + authority(key).public_bytes(Encoding.PEM))
        other = there if keys is here else here
        other.trust(name, keys.certificate_pem().encode())
    assert greet(ReceiverSecurity(here), SenderSecurity(there)) == ("met", "welcome")


@pytest.mark.usefixtures("friends")
def test_one_side_with_the_token_and_one_with_certificates_is_explained(here, there, greet):
    received, sent = greet(ReceiverSecurity(here, TOKEN), SenderSecurity(there, CERTIFICATE))
    assert "the receiver uses the token, and this side certificates" in str(sent)
    assert received != "met"
    received, sent = greet(ReceiverSecurity(here, CERTIFICATE), SenderSecurity(there, TOKEN))
    assert "the receiver uses certificates, and none is trusted here" in str(sent)


def test_without_anybody_to_trust_it_is_said(here):
    with pytest.raises(InputError, match="no certificate is trusted yet: dwcp keys trust NAME FILE"):
        ReceiverSecurity(here, CERTIFICATE)
    with pytest.raises(InputError, match="no certificate is trusted as server: dwcp keys trust server FILE"):
        SenderSecurity(here, SecurityOptions(peer="server"))


@pytest.mark.usefixtures("friends")
def test_a_damaged_trusted_certificate_is_said(here):
    (here.path / "trusted" / "laptop.pem").write_text(
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    )
    with pytest.raises(InputError, match="a trusted certificate is damaged"):
        ReceiverSecurity(here)
