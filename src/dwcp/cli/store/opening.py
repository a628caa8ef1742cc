"""From what is written on the command line to an open store."""

from pathlib import Path
from typing import TYPE_CHECKING

from dwcp.cli.store.passphrases import passphrase_of

if TYPE_CHECKING:
    from dwcp.storage import Backend, Store

__all__ = ["backend_of", "open_store"]


def backend_of(text: str) -> "Backend":
    """Where a store is: a folder, or ``s3://BUCKET/PREFIX``.

    Raises:
        InputError: it names neither.
        ExtraMissingError: it is in S3, and the extra ``s3`` is not installed.
    """
    from dwcp.storage import open_backend

    return open_backend(text)


def open_store(text: str, passphrase_file: Path | None, is_writer: bool = False) -> "Store":
    """Open the store there; to read alone, beside others and a writer, unless told otherwise.

    Raises:
        StoreError: there is none, or of a newer version.
        StoreLockedError: somebody else writes to it.
        StorageError: the disk fails, or may not be read or written.
        InputError: it is encrypted, and there is no passphrase, or the wrong one.
    """
    from dwcp.storage import Store

    backend = backend_of(text)
    return Store.open(backend, is_writer=is_writer, passphrase=passphrase_of(backend, passphrase_file))
