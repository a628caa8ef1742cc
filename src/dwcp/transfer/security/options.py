"""How connections are secured: what the caller chose, and what follows from it."""

from typing import Literal

from msgspec import Struct

from dwcp.errors import InputError
from dwcp.transfer.security.keys import KeyFolder

__all__ = ["Authentication", "SecurityOptions", "chosen_authentication", "chosen_certificates"]

Authentication = Literal["none", "token", "certificate"]
"""How both sides show that they may: as the receiver says it in its HELLO."""


class SecurityOptions(Struct, frozen=True):
    """Choices; the defaults are safe. Both sides must make the same.

    Attributes:
        authentication: ``certificate`` (each shows one that the other trusts), ``token`` (both know it), or
            ``none``, for plain text that stays on this host. None for ``certificate`` where any is trusted
            and plain text was not asked for, else ``token``.
        plain: whether to do without TLS. None for where the connection stays on this host and no
            certificates are used; True for everywhere, so that anybody on the way can read and change
            everything; False for nowhere, as a tunnel needs it that begins on this host and leads elsewhere.
        peer: name of the one trusted certificate that the other side may show; None for any that is trusted.
        handshake_timeout_s: longest that a handshake may take.

    Raises:
        InputError: choices that exclude each other.
    """

    authentication: Authentication | None = None
    plain: bool | None = None
    peer: str | None = None
    handshake_timeout_s: float = 10.0

    def __post_init__(self) -> None:
        if self.plain and (self.peer or self.authentication == "certificate"):
            raise InputError("plain text and certificates exclude each other: leave out one of them")
        if self.peer and self.authentication in ("none", "token"):
            raise InputError(f"{self.peer} is known by its certificate: leave out the other authentication")
        if self.plain is False and self.authentication == "none":
            raise InputError("TLS without authentication protects from nobody: use the token or certificates")


def chosen_authentication(options: SecurityOptions, keys: KeyFolder) -> Authentication:
    """What to authenticate by.

    Raises:
        InputError: a key file is damaged or lies open to others.
    """
    if options.authentication:
        return options.authentication
    return "certificate" if options.peer or (not options.plain and keys.trusted()) else "token"


def chosen_certificates(options: SecurityOptions, keys: KeyFolder) -> frozenset[bytes]:
    """The certificates (DER) of which the other side must show one.

    Raises:
        InputError: there is none, or none by the name that was given.
    """
    trusted = keys.trusted()
    if options.peer is not None:
        if options.peer not in trusted:
            raise InputError(
                f"no certificate is trusted as {options.peer}: dwcp keys trust {options.peer} FILE"
            )
        return frozenset({trusted[options.peer]})
    if not trusted:
        raise InputError("no certificate is trusted yet: dwcp keys trust NAME FILE takes the other side's")
    return frozenset(trusted.values())
