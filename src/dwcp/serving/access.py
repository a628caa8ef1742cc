"""Who may ask for what, and how much: the same for every front end, whatever it speaks."""

import hashlib
import hmac
import threading
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from logging import Logger

from msgspec import Struct, field

from dwcp.serving.tensors import TensorLimits

__all__ = ["ALL_RIGHTS", "Access", "Caller", "InFlight", "Limits", "QuietLog", "Right"]


class Right(StrEnum):
    """What a caller may do."""

    INFER = "infer"
    """Ask models, and read what they are."""
    HINTS = "hints"
    """Ask for hints, and report outcomes."""
    ADMIN = "admin"
    """Load and unload models, and stop them."""


ALL_RIGHTS = frozenset(Right)


class Caller(Struct, frozen=True):
    """Somebody who was let in.

    Attributes:
        name: as the log calls them.
        rights: what they may do.
        signed_in: whether it is their browser that asks, on the strength of a token shown earlier.
    """

    name: str
    rights: frozenset[Right]
    signed_in: bool = False

    def may(self, right: Right | None) -> bool:
        """Whether they may; None for what everybody may who was let in."""
        return right is None or right in self.rights


class Limits(Struct, frozen=True):
    """How much one caller, and all of them together, may ask for.

    Attributes:
        max_body_bytes: of a request, as sent and when decompressed.
        max_header_bytes: of a request's first line and headers.
        max_concurrent: requests at work at once; more are refused, none waits.
        max_connections: open at once.
        header_timeout_s: longest for a request's headers to arrive.
        body_timeout_s: longest for a request's body to arrive.
        idle_timeout_s: how long a connection may rest between requests.
        tensors: how large tensors may be.
    """

    max_body_bytes: int = 16 << 20
    max_header_bytes: int = 16 << 10
    max_concurrent: int = 64
    max_connections: int = 1024
    header_timeout_s: float = 10.0
    body_timeout_s: float = 30.0
    idle_timeout_s: float = 60.0
    tensors: TensorLimits = field(default_factory=TensorLimits)


class Access:
    """Lets callers in by their token, or all of them where none is needed.

    Args:
        tokens: who each token belongs to; empty where nobody needs one.
        everybody: whom a caller without a token is taken for where nobody needs one: those on this host, or
            those whose certificate was checked when they connected.
    """

    def __init__(self, tokens: Mapping[str, Caller], everybody: Caller) -> None:
        self._callers = [(_digest(token.encode()), caller) for token, caller in tokens.items()]
        self._everybody = everybody

    @property
    def needs_token(self) -> bool:
        """Whether nobody is let in without one."""
        return bool(self._callers)

    def caller(self, authorization: str | bytes | None) -> Caller | None:
        """Who this is, from the value of an ``Authorization`` header or metadata; None for nobody."""
        if not self._callers:
            return self._everybody
        given = authorization.encode("utf-8", "replace") if isinstance(authorization, str) else authorization
        scheme, _, token = (given or b"").partition(b" ")
        found = self.holder(token)
        return found if scheme.lower() == b"bearer" else None

    def holder(self, token: bytes) -> Caller | None:
        """Whose token this is; None for nobody's, and where there are none.

        It takes as long whether a token is nearly right or wrong: digests are compared, with all of them.
        """
        digest = _digest(token.strip())
        found = None
        for known, caller in self._callers:
            if hmac.compare_digest(known, digest):
                found = caller
        return found


class InFlight:
    """Counts requests at work, and refuses more than may be. Safe from any thread.

    Args:
        max_concurrent: at once.
    """

    def __init__(self, max_concurrent: int) -> None:
        self._max = max_concurrent
        self._lock = threading.Lock()
        self._count = 0
        self._is_draining = False

    @property
    def count(self) -> int:
        """How many are at work."""
        return self._count

    @property
    def is_draining(self) -> bool:
        """Whether those at work are the last."""
        return self._is_draining

    def enter(self) -> bool:
        """Begin one, to be ended with `leave`; False where there are too many, or no more are taken."""
        with self._lock:
            if self._is_draining or self._count >= self._max:
                return False
            self._count += 1
            return True

    def leave(self) -> None:
        """End one."""
        with self._lock:
            self._count -= 1

    def drain(self) -> None:
        """Take no more; those at work go on."""
        with self._lock:
            self._is_draining = True


class QuietLog:
    """Writes one line of a kind in so many seconds, with how many there were. Safe from any thread.

    Args:
        log: where to.
        clock: seconds that only go forward.
        kinds: all that there are, so that what callers do adds none.
        every_s: least time between two lines of a kind.
    """

    def __init__(
        self, log: Logger, clock: Callable[[], float], kinds: Iterable[str], every_s: float = 60.0
    ) -> None:
        self._log = log
        self._clock = clock
        self._every_s = every_s
        self._lock = threading.Lock()
        self._next_s = dict.fromkeys(kinds, float("-inf"))
        self._unsaid = dict.fromkeys(self._next_s, 0)

    def warn(self, kind: str, sentence: str, error: BaseException | None = None) -> None:
        """Say it, unless one of its kind was said lately; it is counted then.

        Args:
            kind: one of those named at the start.
            sentence: what happened.
            error: whose traceback to write.
        """
        now = self._clock()
        with self._lock:
            if now < self._next_s[kind]:
                self._unsaid[kind] += 1
                return
            self._next_s[kind] = now + self._every_s
            unsaid, self._unsaid[kind] = self._unsaid[kind], 0
        more = f" ({unsaid:,} more like it since the last such line)" if unsaid else ""
        self._log.warning("%s%s", sentence, more, exc_info=error)


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()
