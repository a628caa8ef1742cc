"""Every limit of the protocol, with its unit and why it is what it is.

A limit is checked before memory is taken for what it limits. Both sides hold themselves to them: what would
be longer is split by the side that says it, and refused by the side that hears it.
"""

__all__ = [
    "ID_BYTES",
    "LINK_BYTES",
    "MAX_ACK_BUNDLES",
    "MAX_ACK_BYTES",
    "MAX_BUNDLE_BYTES",
    "MAX_BUNDLE_CHUNKS",
    "MAX_CHUNK_BYTES",
    "MAX_CODECS",
    "MAX_CODEC_NAME",
    "MAX_CONTROL_BYTES",
    "MAX_DATA_BYTES",
    "MAX_DATA_HEAD_BYTES",
    "MAX_DATA_SPANS",
    "MAX_DEPTH",
    "MAX_INT",
    "MAX_LISTED",
    "MAX_LISTS_AHEAD",
    "MAX_MODE",
    "MAX_NAME_BYTES",
    "MAX_PINGS_AHEAD",
    "MAX_RECORDS",
    "MAX_RECORD_CHUNKS",
    "MAX_REFERENCES",
    "MAX_SHOWN_TEXT",
    "MAX_SKETCHES",
    "MAX_SKETCH_PIECES",
    "MAX_SMALL_BYTES",
    "MAX_STREAMS",
    "MAX_TARGET_BYTES",
    "MAX_TEXT",
    "MAX_VERSION",
    "MAX_WANT_SPANS",
    "MIN_CHUNKING_BYTES",
    "NONCE_BYTES",
    "PIECE_DIGEST_BYTES",
    "PROOF_BYTES",
    "RESUME_KEY_BYTES",
    "TICKET_BYTES",
    "ZERO_RUN_BYTES",
]

ID_BYTES = 32
"""Of a chunk's or a root's id: BLAKE3."""
LINK_BYTES = 33
"""Of a file's content: the kind of its link and an id (`dwcp.blocks.FileLink`)."""
NONCE_BYTES = 32
"""Of a nonce: as long as the proofs made over it."""
TICKET_BYTES = 32
"""Of a ticket: it lets streams join, so it cannot be guessed."""
PROOF_BYTES = 32
"""Of a proof: HMAC-SHA256."""
RESUME_KEY_BYTES = 16
"""Of a resume key: it only has to be unique at one destination."""
PIECE_DIGEST_BYTES = 8
"""Of a sketch's piece: XXH3-64. A false match costs a bundle sent again, never a wrong byte."""

MAX_INT = 2**63 - 1
"""Largest number anywhere: sizes, times, sequence numbers. POSIX offsets and SQLite integers end there."""
MAX_MODE = 0o7777
"""Permission bits with set-user-id, set-group-id and sticky; a file's type is never in a mode."""
MAX_NAME_BYTES = 255
"""Of one path component: `NAME_MAX` of the file systems in use."""
MAX_TARGET_BYTES = 4095
"""Of a symbolic link's target: `PATH_MAX` of Linux without its NUL."""
MAX_DEPTH = 512
"""Directories inside one another, the root among them; no path below it has more components."""
MAX_CHUNK_BYTES = 1024 * 1024
"""Plain bytes of one chunk: each side holds several to hash and to verify them."""
MIN_CHUNKING_BYTES = 64
"""Smallest minimum of a chunking: the least that implementations of FastCDC take."""
ZERO_RUN_BYTES = 1024 * 1024
"""Zero runs are multiples of this, at multiples of it, so that identity doesn't depend on how a file lies."""

MAX_SMALL_BYTES = 16 * 1024
"""Longest payload of frames that have no limit of their own: all that a stranger can make a receiver hold."""
MAX_ACK_BYTES = 64 * 1024
"""Longest payload of ACK: its bundles, 9 bytes each at most."""
MAX_CONTROL_BYTES = 2 * 1024 * 1024
"""Longest payload of CATALOGUE, LISTING and WANT, compressed and decompressed: decoding takes up to 64 times
as much memory when it is crafted for that, 128 MiB."""
MAX_BUNDLE_BYTES = 8 * 1024 * 1024
"""Plain bytes of one bundle: each thread that encodes or decodes holds one."""
MAX_BUNDLE_CHUNKS = 65_536
"""Chunks of one bundle, however small they are: each costs its own verification."""
MAX_DATA_HEAD_BYTES = 512 * 1024
"""Of a bundle's header: its spans, the ids of its reference, its matched pieces."""
MAX_DATA_BYTES = 9 * 1024 * 1024
"""Longest payload of DATA: a header and a bundle that did not shrink."""

MAX_RECORDS = 65_536
"""Records of one CATALOGUE."""
MAX_RECORD_CHUNKS = 32_768
"""Chunks of one record: 2 GiB of a file at the default average; their ids take 1 MiB."""
MAX_LISTED = 16_384
"""Entries of one LISTING, and what one LIST may ask for."""
MAX_LISTS_AHEAD = 16
"""LISTs that were not answered yet."""
MAX_PINGS_AHEAD = 64
"""PINGs that were not answered yet."""
MAX_WANT_SPANS = 32_768
"""Spans of one WANT: they take 640 KiB at most, which leaves room for 1 MiB of digests."""
MAX_SKETCHES = 4_096
"""Sketches of one WANT."""
MAX_SKETCH_PIECES = 131_072
"""Pieces of one sketch: 128 MiB of an old version in pieces of 1 KiB; their digests take 1 MiB."""
MAX_DATA_SPANS = 16_384
"""Spans of one bundle; they take 304 KiB at most."""
MAX_REFERENCES = 4_096
"""Blocks that one delta's reference is made of; their ids take 136 KiB."""
MAX_ACK_BUNDLES = 4_096
"""Bundles of one ACK."""

MAX_STREAMS = 64
"""Streams at once: beyond, more of them no longer help on any link."""
MAX_VERSION = 65_535
"""Highest version of the protocol that can be named."""
MAX_CODECS = 64
"""Codecs that one side names."""
MAX_CODEC_NAME = 32
"""Characters of a codec's name, and of a failure's code."""
MAX_TEXT = 2_000
"""Characters of a sentence for a person, on the wire."""
MAX_SHOWN_TEXT = 500
"""Characters of such a sentence that are shown."""
