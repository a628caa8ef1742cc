"""The folder of a user's keys: who this side is, what it shares, and whom it trusts.

::

    ~/.config/dwcp/keys/      0700
        identity.pem          0600   the private key, then its certificate: one file, so that they always fit
        token                 0600   what both sides of a transfer know
        trusted/NAME.pem      0600   certificates of others
"""

import os
import re
import secrets
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path

from dwcp.errors import InputError
from dwcp.transfer.security.identity import certificate_of, fingerprint_of, make_identity, read_certificate
from dwcp.transfer.security.private_files import (
    READABLE_BY_OTHERS,
    WRITABLE_BY_OTHERS,
    make_folder,
    read_file,
    remove_file,
    write_file,
)
from dwcp.transfer.security.proofs import checked_token

__all__ = ["KeyFolder", "default_key_folder"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_TOKEN_BYTES = 32


def default_key_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """``DWCP_KEYS``, or ``dwcp/keys`` in ``XDG_CONFIG_HOME``, which is ``~/.config`` unless set.

    Raises:
        InputError: this user has no home.
    """
    if named := environment.get("DWCP_KEYS"):
        return Path(named)
    base = Path(environment.get("XDG_CONFIG_HOME", ""))
    if base.is_absolute():  # by the XDG specification a relative one is to be ignored
        return base / "dwcp" / "keys"
    try:
        return Path.home() / ".config" / "dwcp" / "keys"
    except RuntimeError as error:
        raise InputError("this user has no home to keep keys in: set DWCP_KEYS to a folder") from error


class KeyFolder:
    """A folder of keys; what is missing in it is made when it is first asked for.

    Several processes may do that at once: all of them end up with the same keys.

    Every method raises `InputError` where a file is damaged or lies open to others, and `StorageError` where
    the folder cannot be written.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or default_key_folder()
        self.identity_file = self.path / "identity.pem"
        self._token_file = self.path / "token"
        self._trusted_folder = self.path / "trusted"

    def ensure(self) -> None:
        """Make the identity and the token where they are missing."""
        self.certificate()
        self.token()

    def certificate(self) -> bytes:
        """This side's certificate, as DER."""
        try:
            return certificate_of(self._own(self.identity_file, make_identity))
        except ValueError as error:
            raise self.damaged() from error

    def certificate_pem(self) -> str:
        """This side's certificate for others to trust, as PEM; there is no secret in it."""
        return ssl.DER_cert_to_PEM_cert(self.certificate())

    @property
    def fingerprint(self) -> str:
        """SHA-256 of this side's certificate, ``AB:CD:...``."""
        return fingerprint_of(self.certificate())

    def token(self) -> str:
        """The token that both sides of a transfer know."""
        content = self._own(self._token_file, lambda: secrets.token_urlsafe(_TOKEN_BYTES).encode() + b"\n")
        try:
            return checked_token(content.decode("latin-1"))
        except InputError as error:
            raise InputError(f"{self._token_file}: {error}") from error

    def renew_token(self) -> str:
        """Make a new token; who knows the old one alone is not let in any more."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        self.set_token(token)
        return token

    def set_token(self, token: str) -> None:
        """Take over the other side's token.

        Raises:
            InputError: it could be guessed, or is no token.
        """
        content = checked_token(token).encode("ascii") + b"\n"
        make_folder(self.path)
        write_file(self._token_file, content, replace=True)

    def trusted(self) -> dict[str, bytes]:
        """The trusted certificates, as DER, by name, in order of the names."""
        try:
            names = sorted(path.stem for path in self._trusted_folder.iterdir() if path.suffix == ".pem")
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise InputError(f"{self._trusted_folder} cannot be read ({error.strerror}): allow it") from error
        make_folder(self.path)
        make_folder(self._trusted_folder)
        found = {name: self._trusted_certificate(name) for name in names if _NAME.fullmatch(name)}
        return {name: certificate for name, certificate in found.items() if certificate}

    def trust(self, name: str, pem: bytes) -> str:
        """Trust exactly this certificate; gives its fingerprint.

        Args:
            name: what to call it here.
            pem: what the other side's `certificate_pem` gives.

        Raises:
            InputError: the name cannot be used or means another certificate, or it is no certificate.
        """
        file = self._file_of(name)
        try:
            certificate = read_certificate(pem)
        except InputError as error:
            raise InputError(f"what was given for {name} cannot be trusted: {error}") from error
        make_folder(self.path)
        make_folder(self._trusted_folder)
        write_file(file, ssl.DER_cert_to_PEM_cert(certificate).encode(), replace=False)
        if self._trusted_certificate(name) != certificate:
            raise InputError(f"{name} is trusted with another certificate: dwcp keys distrust {name} first")
        return fingerprint_of(certificate)

    def distrust(self, name: str) -> None:
        """Trust a certificate no more.

        Raises:
            InputError: none is trusted by that name.
        """
        if not remove_file(self._file_of(name)):
            known = ", ".join(self.trusted()) or "none"
            raise InputError(f"no certificate is trusted as {name}; trusted: {known}")

    def damaged(self) -> InputError:
        """What to raise when this side's key or certificate cannot be used."""
        return InputError(
            f"{self.identity_file} is damaged: restore it, or remove it for a new one that others must trust"
        )

    def _own(self, path: Path, make: Callable[[], bytes]) -> bytes:
        """The content of a file of this side's; made where it is missing, by whoever comes first."""
        make_folder(self.path)
        content = read_file(path, READABLE_BY_OTHERS)
        if content is None:
            write_file(path, make(), replace=False)
            content = read_file(path, READABLE_BY_OTHERS)
        return content or b""

    def _file_of(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise InputError(
                f"{name!r} cannot name a certificate: begin with a letter or digit, then up to 63 letters, "
                f"digits, dots, _ and -"
            )
        return self._trusted_folder / f"{name}.pem"

    def _trusted_certificate(self, name: str) -> bytes | None:
        file = self._file_of(name)
        content = read_file(file, WRITABLE_BY_OTHERS)
        try:
            return content if content is None else certificate_of(content)
        except ValueError as error:
            raise InputError(f"{file} is damaged: dwcp keys distrust {name}, then trust it again") from error
