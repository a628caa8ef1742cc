"""The folder that a receiver receives into."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

from dwcp.blocks import Chunking
from dwcp.errors import InputError, ProtocolError, StorageError, TransferRefusedError
from dwcp.transfer.protocol import Offer, Want
from dwcp.transfer.receiving.commit import carry_out
from dwcp.transfer.receiving.disk import Disk, free_bytes, full_error, storage_error
from dwcp.transfer.receiving.incoming import Incoming
from dwcp.transfer.receiving.options import ReceivingOptions
from dwcp.transfer.receiving.session_log import SessionFacts, Stage
from dwcp.transfer.receiving.settling import settle
from dwcp.transfer.receiving.staging_folder import StagingFolder, folder_name
from dwcp.transfer.receiving.state_folder import StateFolder
from dwcp.transfer.receiving.walk import checked_name
from dwcp.words import bytes_text

__all__ = ["Destination"]


class Destination:
    """One folder, locked for one receiver, and its sessions, one after the other.

    What a session that was cut off left behind stays in ``.dwcp`` there and is taken up by the next one with
    the same resume key and name; a commit that was cut off is completed when the folder is opened.
    """

    def __init__(
        self, folder: Path, options: ReceivingOptions | None = None, *, now: float, disk: Disk | None = None
    ) -> None:
        """Open the folder, made where it is missing.

        Args:
            folder: to receive into.
            options: how; the defaults where None.
            now: seconds since the epoch, to know what is stale.
            disk: what changes the file system.

        Raises:
            StorageError: it cannot be made or written.
            TransferRefusedError: another receiver works on it.
        """
        self._options = options or ReceivingOptions()
        self._disk = disk or Disk()
        self._state = StateFolder(folder, self._disk)
        self._incoming: Incoming | None = None
        self._is_closed = False
        self._notes: list[str] = []
        try:
            self.settle()
            self.clean(now)
        except BaseException:
            self._state.close()
            raise

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should be told of the folder, one sentence each."""
        damaged = self._state.index.damaged
        return (*self._notes, *((damaged,) if damaged else ()))

    def begin(self, offer: Offer, on_want: Callable[[Want], None]) -> Incoming:
        """Begin a session.

        Args:
            offer: what the sender has and wants.
            on_want: is given what to send; from any thread, one at a time, in the order in which it has to be
                sent. Must not wait, and must not call the session.

        Raises:
            TransferRefusedError: it may not be received: its name, what is there already, or another session.
            ProtocolError: the offer cannot be.
            StorageError: the disk is too full or fails.
        """
        if self._incoming is not None and not self._incoming.is_over:
            raise TransferRefusedError("a session goes on at this destination; wait until it ends")
        self.settle()
        self._state.destination.forget()
        facts = self._facts(offer)
        try:
            folder = self._state.staging(folder_name(offer))
            try:
                self._incoming = self._begun(folder, facts, offer, on_want)
            except BaseException:
                folder.close()
                raise
        except OSError as error:
            raise self._error(error) from error
        return self._incoming

    def settle(self) -> None:
        """Finish what sessions left to do: interrupted commits, and telling the index what is in place.

        Call it after a session's DONE was sent; else it is done when the next session begins.

        Raises:
            StorageError: the disk is full or fails.
        """
        if self._incoming is not None and not self._incoming.is_over:
            return
        try:
            for name in list(self._state.staging_names()):
                self._finish(name)
            self._state.trash.empty()
        except OSError as error:
            raise self._error(error) from error

    def clean(self, now: float) -> None:
        """Remove what sessions left that nobody came back to.

        Args:
            now: seconds since the epoch.

        Raises:
            StorageError: it cannot be removed.
        """
        try:
            for name in list(self._state.staging_names()):
                folder = self._state.staging(name)
                used_at = folder.used_at()
                folder.close()
                if now - used_at > self._options.stale_after_s:
                    self._state.remove_staging(name)
        except OSError as error:
            raise self._error(error) from error

    def close(self) -> None:
        """Stop the session that goes on, if any, so that it may be resumed; let others have the folder.

        What sessions left to do (`settle`) is done now, or if that fails, when the folder is opened again.
        """
        if self._is_closed:
            return
        self._is_closed = True
        if self._incoming is not None:
            self._incoming.stop(None)
        try:
            self.settle()
        except StorageError as error:
            self._notes.append(str(error))
        finally:
            self._state.close()

    def _facts(self, offer: Offer) -> SessionFacts:
        name = checked_name(offer.name)
        try:
            Chunking(*offer.chunking)
        except InputError as error:
            raise ProtocolError(f"the offer's chunking cannot be: {error}") from error
        told = self._state.destination.look(name)
        if told is not None and offer.mode == "send":
            raise TransferRefusedError(
                f"{self._state.destination.shown(name)} exists: use sync to bring it up to date, or remove it"
            ) from FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        if told is not None and told.st_dev != os.fstat(self._state.destination.root_fd).st_dev:
            raise TransferRefusedError(
                f"{self._state.destination.shown(name)} is on another file system than its folder: "
                "receive there by itself"
            )
        return SessionFacts(name, told is None, offer.delete, offer.chunking, self._options.keep_special)

    def _begun(
        self, folder: StagingFolder, facts: SessionFacts, offer: Offer, on_want: Callable[[Want], None]
    ) -> Incoming:
        reused = folder.has_tree()
        free = free_bytes(folder.tree.root_fd)
        if facts.is_new and not reused and (offer.total_bytes or 0) > free:
            raise full_error(
                f"{bytes_text(offer.total_bytes or 0)} are offered and {bytes_text(free)} are free at "
                f"{self._state.destination.shown(facts.name)}: make room, then run it again"
            )
        left = folder.left(self._state.trash)
        try:
            self._state.trash.empty()
            return Incoming(
                self._state, folder, left, facts, offer, on_want, self._options, self._disk, reused
            )
        except BaseException:
            if left is not None:
                left.close()
            raise

    def _finish(self, name: bytes) -> None:
        folder = self._state.staging(name)
        try:
            facts = folder.facts()
            is_over = (
                facts is not None and facts.stage is not Stage.OPEN and self._finish_session(folder, facts)
            )
        finally:
            folder.close()
        if is_over:
            self._state.remove_staging(name)

    def _finish_session(self, folder: StagingFolder, facts: SessionFacts) -> bool:
        """Bring a session that was committing to its end; False where it can only be resumed."""
        log = folder.log(facts)
        try:
            if facts.stage is Stage.COMMITTING:
                carry_out(log, folder.tree, self._state, self._disk, self._options.durable)
            settle(log, self._state.index)
        except TransferRefusedError as error:
            folder.revert(facts)
            self._notes.append(str(error))
            return False
        finally:
            log.close()
        return True

    def _error(self, error: OSError) -> StorageError:
        return storage_error(error, str(self._state.path), self._state.destination.root_fd)
