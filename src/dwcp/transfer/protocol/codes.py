"""Codes of the ERROR frame, and the errors of this package that they stand for on either side."""

import errno
from collections.abc import Mapping
from enum import StrEnum

from dwcp.errors import (
    AuthenticationError,
    BlockTooLargeError,
    CodecError,
    ConnectionLostError,
    CorruptBlockError,
    DwcpError,
    InputError,
    ProtocolError,
    ReferenceMissingError,
    SourceChangedError,
    StorageError,
    TransferError,
    TransferRefusedError,
)
from dwcp.transfer.protocol.limits import MAX_SHOWN_TEXT, MAX_TEXT
from dwcp.transfer.protocol.messages import Failure

__all__ = ["ErrorCode", "error_of", "failure_of", "shown"]


class ErrorCode(StrEnum):
    """Why a session ends. A code that is not known is taken for INTERNAL."""

    PROTOCOL = "protocol"
    VERSION = "version"
    AUTHENTICATION = "authentication"
    BUSY = "busy"
    STOPPED = "stopped"
    CONNECTION_LOST = "connection_lost"
    REFUSED = "refused"
    REFUSED_EXISTS = "refused_exists"
    REFUSED_NAME = "refused_name"
    INPUT = "input"
    SOURCE_CHANGED = "source_changed"
    STORAGE = "storage"
    DISK_FULL = "disk_full"
    CODEC = "codec"
    CORRUPT_BLOCK = "corrupt_block"
    BLOCK_TOO_LARGE = "block_too_large"
    REFERENCE_MISSING = "reference_missing"
    INTERNAL = "internal"


_ERRORS: Mapping[ErrorCode, type[DwcpError]] = {
    ErrorCode.PROTOCOL: ProtocolError,
    ErrorCode.VERSION: ProtocolError,
    ErrorCode.AUTHENTICATION: AuthenticationError,
    ErrorCode.BUSY: ConnectionLostError,
    ErrorCode.STOPPED: ConnectionLostError,
    ErrorCode.CONNECTION_LOST: ConnectionLostError,
    ErrorCode.REFUSED: TransferRefusedError,
    ErrorCode.REFUSED_EXISTS: TransferRefusedError,
    ErrorCode.REFUSED_NAME: TransferRefusedError,
    ErrorCode.INPUT: InputError,
    ErrorCode.SOURCE_CHANGED: SourceChangedError,
    ErrorCode.STORAGE: StorageError,
    ErrorCode.DISK_FULL: StorageError,
    ErrorCode.CODEC: CodecError,
    ErrorCode.CORRUPT_BLOCK: CorruptBlockError,
    ErrorCode.BLOCK_TOO_LARGE: BlockTooLargeError,
    ErrorCode.REFERENCE_MISSING: ReferenceMissingError,
    ErrorCode.INTERNAL: TransferError,
}
"""What each code is raised as where it is heard."""

_CODES: Mapping[type[DwcpError], ErrorCode] = {
    DwcpError: ErrorCode.INTERNAL,
    ProtocolError: ErrorCode.PROTOCOL,
    AuthenticationError: ErrorCode.AUTHENTICATION,
    ConnectionLostError: ErrorCode.CONNECTION_LOST,
    TransferRefusedError: ErrorCode.REFUSED,
    InputError: ErrorCode.INPUT,
    SourceChangedError: ErrorCode.SOURCE_CHANGED,
    StorageError: ErrorCode.STORAGE,
    CodecError: ErrorCode.CODEC,
    CorruptBlockError: ErrorCode.CORRUPT_BLOCK,
    BlockTooLargeError: ErrorCode.BLOCK_TOO_LARGE,
    ReferenceMissingError: ErrorCode.REFERENCE_MISSING,
}
"""What each error is said as; one that is not here, as the nearest that it derives from."""

_FINER: Mapping[tuple[ErrorCode, int], ErrorCode] = {
    (ErrorCode.STORAGE, errno.ENOSPC): ErrorCode.DISK_FULL,
    (ErrorCode.STORAGE, errno.EDQUOT): ErrorCode.DISK_FULL,
    (ErrorCode.REFUSED, errno.EEXIST): ErrorCode.REFUSED_EXISTS,
    (ErrorCode.REFUSED, errno.ENAMETOOLONG): ErrorCode.REFUSED_NAME,
    (ErrorCode.REFUSED, errno.EILSEQ): ErrorCode.REFUSED_NAME,
}
"""Finer codes, by what the operating system said, where an error was raised from that."""


def failure_of(error: DwcpError, code: ErrorCode | None = None) -> Failure:
    """What to tell the other side of an error.

    Args:
        error: what ends the session.
        code: a finer one than the error's class and cause tell.
    """
    if code is None:
        code = next(_CODES[kind] for kind in type(error).__mro__ if kind in _CODES)
        if isinstance(error.__cause__, OSError):
            code = _FINER.get((code, error.__cause__.errno or 0), code)
    return Failure(code.value, shown(str(error), MAX_TEXT), error.retryable)


def error_of(failure: Failure) -> DwcpError:
    """What the other side told, as an error to raise; its words are cleaned, see `shown`.

    What is retryable as a rule is not where the other side knows better. A code that is not known gives an
    error that is retryable just when the failure is.
    """
    try:
        kind = _ERRORS[ErrorCode(failure.code)]
    except ValueError:
        kind = ConnectionLostError if failure.retryable else TransferError
    said = shown(failure.message) or f"no more than its code, {failure.code}"
    error = kind(f"the other side ended the session and says: {said}")
    error.retryable = error.retryable and failure.retryable
    return error


def shown(text: str, most: int = MAX_SHOWN_TEXT) -> str:
    """Words of the other side, fit to be shown: printable, on one line, and not too long.

    What could steer a terminal, or turn the direction of writing, becomes a question mark.

    Args:
        text: as it came.
        most: characters that are left.
    """
    words = " ".join(text[: 4 * most].split())
    clean = "".join(letter if letter.isprintable() else "?" for letter in words)
    return clean if len(clean) <= most else clean[: most - 1] + "…"
