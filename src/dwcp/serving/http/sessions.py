"""Browsers that signed in: kept in memory, for a while, and told apart by a cookie that is not the token."""

import hashlib
import secrets
from collections.abc import Callable

from msgspec import Struct

from dwcp.serving.access import Caller

__all__ = ["SESSION_S", "Sessions"]

SESSION_S = 12 * 3600.0
"""How long a browser stays signed in."""
_MOST = 1000


class _Session(Struct, frozen=True):
    caller: Caller
    until_s: float


class Sessions:
    """Who signed in, by a secret that only their browser has. Gone when the server ends.

    What a session may do is not the token's rights: it has none of them, so it may read what everybody may
    who was let in, where the gate takes a cookie at all.

    Args:
        clock: seconds that only go forward.
        make_secret: gives one that nobody can guess.
        most: sessions that are kept; the oldest go first.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        make_secret: Callable[[], str] = lambda: secrets.token_urlsafe(32),
        most: int = _MOST,
    ) -> None:
        self._clock = clock
        self._make_secret = make_secret
        self._most = most
        self._kept: dict[bytes, _Session] = {}

    def begin(self, caller: Caller) -> str:
        """Let a browser in for `SESSION_S`; gives its secret.

        Args:
            caller: whose token it showed.
        """
        now, secret = self._clock(), self._make_secret()
        self._kept = {key: one for key, one in self._kept.items() if one.until_s > now}
        while len(self._kept) >= self._most:
            del self._kept[next(iter(self._kept))]
        known = Caller(caller.name, frozenset(), signed_in=True)
        self._kept[_key(secret)] = _Session(known, now + SESSION_S)
        return secret

    def caller(self, secret: str | None) -> Caller | None:
        """Whose browser this is; None where it never signed in, or not lately, or signed out."""
        found = None if secret is None else self._kept.get(_key(secret))
        return None if found is None or found.until_s <= self._clock() else found.caller

    def end(self, secret: str | None) -> None:
        """Let a browser in no more; nothing where it is not in."""
        if secret is not None:
            self._kept.pop(_key(secret), None)


def _key(secret: str) -> bytes:
    """Looked up by its digest, so that the time of a look-up tells nothing of a secret that is kept."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
