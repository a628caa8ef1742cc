"""What a transfer tells while it runs, and when it is over."""

from msgspec import Struct

from dwcp.errors import DwcpError

__all__ = ["Progress", "ReceiveResult", "Retry", "SendResult"]


class Progress(Struct, frozen=True):
    """One moment of a transfer.

    Attributes:
        done_bytes: plain bytes that are verified at the receiver, or known to be there.
        total_bytes: of the source; None while it is not known. Of a folder that is not all read yet, it is
            what was counted beside the transfer.
        wire_bytes: stored bytes sent.
        rate_mbps: stored bits a second on the wire, lately.
        streams: open now.
        codec: of the latest bundle.
        files: completed.
        elapsed_s: since the beginning.
        left_s: expected; None while that cannot be said.
    """

    done_bytes: int
    total_bytes: int | None
    wire_bytes: int
    rate_mbps: float
    streams: int
    codec: str
    files: int
    elapsed_s: float
    left_s: float | None


class Retry(Struct, frozen=True):
    """That a transfer goes on in a new session, after an error that may pass.

    Attributes:
        error: what ended the last one.
        wait_s: until the next one begins.
        number: of this retry; after a session in which anything moved, it is 1 again.
        most: of them, before the error is raised.
    """

    error: DwcpError
    wait_s: float
    number: int
    most: int


class SendResult(Struct, frozen=True):
    """What came of a transfer, at the sender.

    Attributes:
        name: of the root at the receiver.
        content: id of the root, the same on both sides.
        files_written: new or changed at the receiver.
        files_kept: were there already.
        files_deleted: removed there.
        plain_bytes: of the whole source.
        wire_bytes: sent on all streams: bundles, catalogue and frames, before TLS and TCP.
        codecs: plain bytes sent with each codec; what was there already was sent with none of them.
        seconds: from the first connection to the receiver's word that all is in place.
        streams_opened: of all that were ever open.
        attempts: sessions it took.
        skipped: paths left out, each with the reason.
    """

    name: str
    content: str
    files_written: int
    files_kept: int
    files_deleted: int
    plain_bytes: int
    wire_bytes: int
    codecs: dict[str, int]
    seconds: float
    streams_opened: int
    attempts: int
    skipped: tuple[tuple[str, str], ...]


class ReceiveResult(Struct, frozen=True):
    """What came of a transfer, at the receiver.

    Attributes:
        name: of the root.
        content: id of the root.
        files_written: new or changed.
        files_kept: were there already.
        files_deleted: removed.
        bytes_written: plain bytes of what was written.
        wire_bytes: received on all streams.
        seconds: from the first connection.
        peer: the sender's address.
        special_dropped: files and folders whose set-user-id, set-group-id or sticky bits were not taken over.
    """

    name: str
    content: str
    files_written: int
    files_kept: int
    files_deleted: int
    bytes_written: int
    wire_bytes: int
    seconds: float
    peer: str
    special_dropped: int = 0
