"""How far a session is, for another thread to look at."""

from msgspec import Struct

__all__ = ["Progress"]


class Progress(Struct):
    """Counters of one session; each only grows. Read them from any thread.

    Attributes:
        bytes_received: plain bytes that came over the network and were verified.
        bytes_local: plain bytes that were verified in what the destination had.
        files_done: regular files that are complete, kept ones included.
        files_kept: regular files that stay as they lie.
        chunks_wrong: chunks that came and were not what they should be, or were not found where they should.
    """

    bytes_received: int = 0
    bytes_local: int = 0
    files_done: int = 0
    files_kept: int = 0
    chunks_wrong: int = 0
