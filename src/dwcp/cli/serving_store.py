"""The store whose figures `dwcp serve` tells: counted now and then by a thread of its own."""

import threading
from pathlib import Path

from dwcp.cli.store.opening import backend_of
from dwcp.cli.store.passphrases import passphrase_of
from dwcp.errors import DwcpError, ObjectNotFoundError
from dwcp.storage import Backend, Store, StoreSettings, StoreStats
from dwcp.storage.opening import open_settings
from dwcp.storage.settings import CONFIG

__all__ = ["StoreWatch"]

_EVERY_S = 60.0


class StoreWatch:
    """Counts what a store holds, so that whoever asks for its figures waits for no disk and no network.

    The store is opened to read alone, anew each time, beside whoever writes to it. One that cannot be read
    has no figures until it can be again.

    Args:
        text: where the store is: a folder, or ``s3://BUCKET/PREFIX``.
        passphrase_file: that holds the passphrase of an encrypted one.
        every_s: time between two counts.

    Raises:
        StoreError: there is no store, it is damaged, or of a newer version.
        StorageError: it may not be read, or the disk or service fails.
        InputError: it is encrypted, and there is no passphrase, or the wrong one.
        ExtraMissingError: it is in S3, and the extra ``s3`` is not installed.
    """

    def __init__(self, text: str, passphrase_file: Path | None = None, every_s: float = _EVERY_S) -> None:
        self._backend = backend_of(text)
        self._passphrase = passphrase_of(self._backend, passphrase_file)
        self._every_s = every_s
        self._config = b""
        self._opened = self._open()
        self._stats: StoreStats | None = None
        self._error: DwcpError | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="dwcp-store-figures", daemon=True)

    def start(self) -> None:
        """Count now, and every so often from now on."""
        self._thread.start()

    def close(self) -> None:
        """Count no more; what is being counted is not waited for."""
        self._ending.set()

    def figures(self) -> StoreStats | None:
        """As last counted; None before the first count. Takes no time, from any thread.

        Raises:
            DwcpError: why it could not be counted last.
        """
        if self._error is not None:
            raise self._error.with_traceback(None)
        return self._stats

    def count(self) -> None:
        """Count once."""
        try:
            backend, settings = self._opened = self._open()
            with Store(backend, settings, None) as store:
                self._stats = store.stats()
            self._error = None
        except DwcpError as error:
            self._error = error

    def _open(self) -> tuple[Backend, StoreSettings]:
        """The settings; those of before where the store still has them.

        Making the key of an encrypted store costs a second and much memory.
        """
        try:
            config = self._backend.get(CONFIG)
        except ObjectNotFoundError:
            config = b""  # opening it says what that means
        if config and config == self._config:
            return self._opened
        opened = open_settings(self._backend, self._passphrase)
        self._config = config
        return opened

    def _run(self) -> None:
        while not self._ending.is_set():
            self.count()
            self._ending.wait(self._every_s)
