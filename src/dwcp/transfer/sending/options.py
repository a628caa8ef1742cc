"""What a sender is told, and what it may know of the link."""

from pathlib import Path
from typing import Literal, Protocol

from msgspec import Struct

from dwcp.blocks import DEFAULT_CHUNKING, Chunking
from dwcp.codecs import codec_named
from dwcp.errors import InputError
from dwcp.tasks.compression.contract import Link

__all__ = ["LinkView", "SendingOptions"]

_RESUME_KEY_BYTES = 16


class LinkView(Protocol):
    """What the sender's files and codecs see of the link; asked from any thread, at any time."""

    @property
    def cpu_workers(self) -> int:
        """Threads that encode."""
        ...

    def link(self) -> Link:
        """The link as it is expected to be."""
        ...

    def streams(self) -> int:
        """How many streams there are to be."""
        ...

    def ready_bytes(self) -> int:
        """Stored bytes of the bundles that wait for a stream."""
        ...

    def starved(self) -> bool:
        """Whether a stream is idle now because no encoded bundle is ready."""
        ...


class SendingOptions(Struct, frozen=True):
    """How a source is sent.

    Attributes:
        mode: ``send`` a new root, or ``sync`` one that may be there.
        delete: in ``sync``, remove at the receiver what is not in the source.
        checksum: in ``sync``, read files even where size and time agree.
        codec: the one to use for everything, e.g. ``zstd-3``; None to choose as it goes.
        references: older versions of the source, which the receiver may hold.
        chunking: how files are cut.
        scan_cache: where to remember what was read, an SQLite file; None for nowhere.
        resume_key: 16 bytes that name this source to the receiver; None to derive them from where it lies.
        node_id: who sends, for telemetry; nothing is recorded without.
        peer_id: to whom, for telemetry.
        speed: milliseconds per MiB of each candidate on this machine, by name, for the advisor.
        hints_after_s: seconds in which the advisor is not asked for codecs.
    """

    mode: Literal["send", "sync"] = "send"
    delete: bool = False
    checksum: bool = False
    codec: str | None = None
    references: tuple[Path, ...] = ()
    chunking: Chunking = DEFAULT_CHUNKING
    scan_cache: Path | None = None
    resume_key: bytes | None = None
    node_id: str = ""
    peer_id: str = ""
    speed: tuple[tuple[str, float], ...] = ()
    hints_after_s: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what cannot be done.

        Raises:
            InputError: no such codec, a resume key of another length, or deleting without syncing.
        """
        if self.codec is not None:
            codec_named(self.codec)
        if self.resume_key is not None and len(self.resume_key) != _RESUME_KEY_BYTES:
            raise InputError(f"a resume key has {_RESUME_KEY_BYTES} bytes, not {len(self.resume_key)}")
        if self.delete and self.mode != "sync":
            raise InputError("only a sync deletes at the receiver; leave delete out of a send")
