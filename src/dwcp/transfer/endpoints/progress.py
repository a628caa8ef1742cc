"""What a transfer tells while it runs, and when it is over."""

from dataclasses import dataclass

__all__ = ["Progress", "ReceiveResult", "SendResult"]


@dataclass(frozen=True, slots=True)
class Progress:
    """One moment of a transfer.

    Attributes:
        done_bytes: plain bytes that are verified at the receiver, or known to be there.
        total_bytes: of the source; None while it is not known.
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


@dataclass(frozen=True, slots=True)
class SendResult:
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


@dataclass(frozen=True, slots=True)
class ReceiveResult:
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
