"""Who may ask `dwcp serve`, and over what: tokens, certificates, and addresses that need one of them."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from dwcp.errors import InputError
from dwcp.serving.access import ALL_RIGHTS, Access, Caller, Right
from dwcp.transfer.security import KeyFolder
from dwcp.transfer.security.private_files import READABLE_BY_OTHERS, WRITABLE_BY_OTHERS, read_file
from dwcp.transfer.security.proofs import checked_token

__all__ = [
    "Certificates",
    "access_over_tcp",
    "certificates",
    "read_rights",
    "read_tokens",
    "require_grpc_key",
    "tls_context",
]

_NETWORK_RIGHTS = frozenset({Right.INFER, Right.HINTS})
"""What anybody may do where nobody has to show anything."""


@dataclass(frozen=True, slots=True)
class Certificates:
    """What the server shows, and wants to be shown: files in PEM.

    Attributes:
        certificate: the server's, with those between it and its root.
        key: its private key; may be the same file.
        client_ca: whose certificates callers must have; None where they need none.
    """

    certificate: Path
    key: Path
    client_ca: Path | None


def certificates(
    certificate: Path | None, key: Path | None, client_ca: Path | None, *, own: bool
) -> Certificates | None:
    """The files that options name; None where there is to be no TLS.

    Args:
        certificate: the server's.
        key: its key; in the certificate's file unless given.
        client_ca: whose certificates callers must have.
        own: take this side's certificate, of ``dwcp keys``.

    Raises:
        InputError: the options do not go together, or a key lies open to others.
    """
    if own and (certificate or key):
        raise InputError("--tls takes the certificate of dwcp keys: leave it out, or the files")
    if own:
        folder = KeyFolder()
        folder.ensure()
        return Certificates(folder.identity_file, folder.identity_file, client_ca)
    if certificate is None:
        if key or client_ca:
            raise InputError("--tls-key and --client-ca need a certificate: give --tls-cert FILE, or --tls")
        return None
    return Certificates(certificate, key or certificate, client_ca)


def tls_context(files: Certificates) -> ssl.SSLContext:
    """TLS 1.3 and nothing older, as transfers use it.

    Raises:
        InputError: a file cannot be used, or the key lies open to others.
    """
    _content(files.key, READABLE_BY_OTHERS)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    try:
        context.load_cert_chain(files.certificate, files.key, password="")  # an empty one is never asked for
    except OSError as error:
        raise InputError(
            f"{files.certificate} and {files.key} are not a certificate and its key in PEM, or do not belong "
            f"together"
        ) from error
    if files.client_ca is not None:
        roots = _content(files.client_ca, WRITABLE_BY_OTHERS)
        try:
            context.load_verify_locations(cadata=roots.decode("latin-1"))
        except OSError as error:
            raise InputError(f"{files.client_ca} holds no certificate in PEM") from error
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def require_grpc_key(certificate: bytes, name: Path) -> None:
    """Refuse a certificate that gRPC's TLS library takes and then can answer nobody with.

    Args:
        certificate: in PEM.
        name: its file.

    Raises:
        InputError: its key is an Ed25519 one, as that of ``dwcp keys`` is.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if isinstance(x509.load_pem_x509_certificate(certificate).public_key(), Ed25519PublicKey):
        raise InputError(
            f"gRPC cannot encrypt with the Ed25519 key of {name}: give --tls-cert and --tls-key with an "
            f"ECDSA or RSA key, or leave --grpc-port out"
        )


def read_tokens(path: Path) -> Mapping[str, Caller]:
    """Callers by their token: a line ``NAME RIGHTS TOKEN`` for each, ``#`` before remarks.

    Rights are ``infer``, ``hints`` and ``admin``, with commas between them.

    Raises:
        InputError: the file cannot be read or lies open to others, or a line is not like that.
    """
    callers: dict[str, Caller] = {}
    lines = _content(path, READABLE_BY_OTHERS).decode("utf-8", "replace").splitlines()
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        where = f"line {number} of {path}"
        if len(words) != 3:
            raise InputError(f"{where} has {len(words)} words; write NAME RIGHTS TOKEN")
        try:
            token, rights = checked_token(words[2]), read_rights(words[1])
        except InputError as error:
            raise InputError(f"{where}: {error}") from error
        if token in callers:
            raise InputError(f"{where} has a token that stands further up already; give each caller its own")
        callers[token] = Caller(words[0], rights)
    if not callers:
        raise InputError(f"{path} holds no token; write a line NAME RIGHTS TOKEN for each caller")
    return callers


def read_rights(text: str) -> frozenset[Right]:
    """Rights from their names, with commas between them.

    Raises:
        InputError: there is no such right.
    """
    known = {right.value: right for right in Right}
    names = text.split(",")
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise InputError(f"there is no right {unknown[0]!r}; there are {', '.join(known)}")
    return frozenset(known[name] for name in names)


def access_over_tcp(
    tokens: Mapping[str, Caller], client_rights: frozenset[Right] | None, host: str, *, insecure: bool
) -> Access:
    """Who may ask over TCP.

    Args:
        tokens: callers by their token; empty where none is needed.
        client_rights: of callers with a certificate; None where none is asked for.
        host: address that is listened on, as a number.
        insecure: whether anybody may ask, from anywhere.

    Raises:
        InputError: anybody could ask, and that was not asked for.
    """
    if tokens:
        return Access(tokens, Caller("nobody", frozenset()))
    if client_rights is not None:
        return Access({}, Caller("a caller with a certificate", client_rights))
    if ip_address(host.partition("%")[0]).is_loopback:
        return Access({}, Caller("a caller on this host", ALL_RIGHTS))
    if not insecure:
        raise InputError(
            f"{host} can be reached by others, and anybody could ask: give --token-file or --client-ca, or "
            f"--insecure to let them infer and take hints"
        )
    return Access({}, Caller("anybody", _NETWORK_RIGHTS))


def _content(path: Path, forbidden: int) -> bytes:
    content = read_file(path, forbidden)
    if content is None:
        raise InputError(f"{path} is not there; name a file that is")
    return content
