"""The right to write to a bucket: an object that is changed only by who knows its present version.

See ``docs/decisions/lease-in-a-bucket.md`` for why this is safe, and for what it cannot exclude.
"""

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import Literal

import msgspec
from msgspec import Struct

from dwcp.errors import StorageError, StoreLockedError
from dwcp.storage.backends.bucket.failures import ConditionFailed
from dwcp.storage.backends.bucket.objects import BucketObjects, Version

__all__ = ["CLOCK", "LEASE_S", "LOCK", "RENEW_S", "Lease", "Owner", "seconds_awake_or_not"]

LOCK = ".lock"
"""Name of the object that says who may write; no object of a store has such a name."""
CLOCK = ".clock"
"""Name of an object that is written to learn what time the service has."""
LEASE_S = 900
"""Somebody who gave no sign for so long has lost the right to write to whoever asks for it."""
RENEW_S = 60
"""Before a change, a sign of life is given unless one was given so shortly before."""


class Owner(Struct, frozen=True):
    """Who holds a lease.

    Attributes:
        place: stands for the one lock file on the one machine that whoever writes from there holds too.
        host: the machine's name, for messages.
    """

    place: str
    host: str


class _Record(Struct, frozen=True, forbid_unknown_fields=True):
    """What the object holds.

    Attributes:
        format: kind and version.
        owner: who took it last.
        write: random: no two versions of the object are equal.
        is_held: False once it was released.
    """

    format: Literal["lock/1"]
    owner: Owner
    write: str
    is_held: bool


def seconds_awake_or_not() -> float:
    """A clock that is never set, and goes on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Lease:
    """Held until it is released, or lost. Whoever changes an object calls `check` before."""

    def __init__(self, objects: BucketObjects, owner: Owner, clock: Callable[[], float]) -> None:
        """Take it.

        Args:
            objects: where it is.
            owner: who asks. Whoever else has this place is known to have ended.
            clock: gives seconds.

        Raises:
            StoreLockedError: somebody else has it, and gave a sign of life in the last `LEASE_S`.
            StorageError: the service fails.
        """
        self._objects = objects
        self._owner = owner
        self._clock = clock
        self._guard = Lock()
        self._is_held = True
        self._tag = self._take()

    def check(self) -> None:
        """Give a sign of life where the last one is old.

        Raises:
            StoreLockedError: somebody else has taken over, or it was released.
            StorageError: the service fails; try again.
        """
        with self._guard:
            if not self._is_held:
                raise self._lost()
            if self._clock() - self._renewed_s < RENEW_S:
                return
            try:
                self._tag = self._write(self._tag, is_held=True)
            except ConditionFailed as error:
                self._is_held = False
                raise self._lost() from error

    def release(self) -> None:
        """Let others write; nothing where it was released or lost. A service that fails lets it run out."""
        with self._guard:
            if self._is_held:
                self._is_held = False
                with suppress(ConditionFailed, StorageError):
                    self._write(self._tag, is_held=False)

    def _take(self) -> str:
        found = self._objects.version(LOCK)
        if found is not None:
            self._check_free(found)
        try:
            return self._write(None if found is None else found.tag, is_held=True)
        except ConditionFailed as error:
            raise StoreLockedError(
                f"somebody else has just begun to write to the store {self._objects.shown}; "
                "wait until they are done"
            ) from error

    def _check_free(self, found: Version) -> None:
        try:
            record = msgspec.json.decode(found.data, type=_Record)
        except msgspec.DecodeError as error:
            raise StorageError(
                f"{self._objects.shown}/{LOCK} is no lock that this version knows; "
                "remove it if nobody writes to the store"
            ) from error
        if not record.is_held or record.owner == self._owner:
            return
        age_s = self._age_s(found)
        if age_s < LEASE_S:
            raise StoreLockedError(
                f"somebody on {record.owner.host} is writing to the store {self._objects.shown}: wait until "
                f"they are done, or, if they are gone, {LEASE_S - age_s:.0f} s longer"
            )

    def _age_s(self, found: Version) -> float:
        """How old a version is by the service's clock alone."""
        self._objects.put(CLOCK, secrets.token_bytes(8))
        now = self._objects.version(CLOCK)
        return (now.written - found.written).total_seconds() if now is not None else 0.0

    def _write(self, tag: str | None, is_held: bool) -> str:
        """Change the object, and note the time from which that counts: before it was asked for."""
        begun_s = self._clock()
        record = _Record("lock/1", self._owner, secrets.token_hex(16), is_held)
        data = msgspec.json.encode(record)
        try:
            new_tag = self._objects.put_if(LOCK, data, tag)
        except ConditionFailed:
            found = self._objects.version(LOCK)
            if found is None or found.data != data:
                raise
            new_tag = found.tag  # written by this call, whose first answer was lost
        self._renewed_s = begun_s
        return new_tag

    def _lost(self) -> StoreLockedError:
        return StoreLockedError(
            f"the right to write to the store {self._objects.shown} was given back, or lost after "
            f"{LEASE_S} s without a sign of life; open it again"
        )
