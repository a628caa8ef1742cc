"""What the frames say: one frozen class a frame type, as canonical CBOR arrays in the order of the fields."""

from typing import TypeAlias

from msgspec import Struct

from dwcp.transfer.protocol.records import Record

__all__ = [
    "MAGIC",
    "VERSION",
    "Accept",
    "Ack",
    "Bye",
    "Catalogue",
    "Data",
    "Done",
    "Failure",
    "Hello",
    "List",
    "Listed",
    "Listing",
    "Message",
    "Offer",
    "Ping",
    "Pong",
    "Proof",
    "Root",
    "Sketch",
    "Span",
    "Want",
]

MAGIC = "DWCP"
"""First word of both sides on every stream."""
VERSION = 1
"""The version of the protocol that is written down here."""

Span: TypeAlias = tuple[int, int]
"""Sequence numbers of chunks: the first, and how many."""


class Hello(Struct, frozen=True):
    """First on every stream, both ways.

    Attributes:
        magic: ``DWCP``.
        versions: lowest and highest version spoken; the receiver answers with the one chosen, twice.
        nonce: 32 random bytes.
        stream: 0 for the control stream, which comes first and also carries data.
        ticket: on streams other than 0, the 32 bytes of ACCEPT; else empty.
        codecs: names of the codecs that are understood.
        authentication: in the receiver's: ``none``, ``token`` or ``certificate``.
        proof: in the receiver's where tokens are used: that it knows the token.
    """

    magic: str
    versions: tuple[int, int]
    nonce: bytes
    stream: int
    ticket: bytes = b""
    codecs: tuple[str, ...] = ()
    authentication: str = "none"
    proof: bytes = b""


class Proof(Struct, frozen=True):
    """The sender's: that it knows the token."""

    proof: bytes


class Offer(Struct, frozen=True):
    """What the sender has and wants.

    Attributes:
        name: of the root, one path component, as the sender's system spells it.
        mode: ``send`` (the root must be new there) or ``sync`` (only what changed).
        delete: in ``sync``, whether what the sender does not have is removed.
        checksum: whether content is compared even where size and time agree.
        chunking: min, average and max chunk bytes.
        resume_key: 16 bytes; a session that was cut off goes on where the key is the same.
        total_bytes: of the files, where the sender knows; else None.
    """

    name: bytes
    mode: str
    delete: bool
    checksum: bool
    chunking: tuple[int, int, int]
    resume_key: bytes
    total_bytes: int | None = None


class Accept(Struct, frozen=True):
    """The receiver's answer to an offer.

    Attributes:
        ticket: 32 random bytes that further streams show.
        has_nothing: every chunk is wanted without asking: no WANT will come, except for what proves wrong.
        has_listing: LIST will be answered.
        credit_bytes: of stored bytes that may be on the way, not yet acknowledged.
        max_streams: most streams at once.
    """

    ticket: bytes
    has_nothing: bool
    has_listing: bool
    credit_bytes: int
    max_streams: int


class List(Struct, frozen=True):
    """Asks for the next entries of what lies at the destination."""

    count: int


class Listed(Struct, frozen=True):
    """One regular file at the destination whose content the receiver knows, by path in walk order.

    Attributes:
        path: components from the root down, the root itself being ``()``.
        size_bytes: of the file.
        mtime_ns: last change.
        content: the id of its content (`dwcp.blocks`: of a file's link); empty where it is not known.
    """

    path: tuple[bytes, ...]
    size_bytes: int
    mtime_ns: int
    content: bytes


class Listing(Struct, frozen=True):
    """Answers LIST.

    Attributes:
        entries: at most as many as were asked for.
        last: nothing follows.
    """

    entries: tuple[Listed, ...]
    last: bool


class Catalogue(Struct, frozen=True):
    """The sender's tree, in walk order, a batch at a time; zstd-compressed on the wire."""

    records: tuple[Record, ...]


class Sketch(Struct, frozen=True):
    """Small pieces of an old version that the receiver has, where missing chunks probably came from.

    Attributes:
        number: of the sketch, counted from 0 in a session.
        span: the missing chunks it is for.
        digests: 8 bytes a piece (xxh3-64, little-endian), in the old version's order.
    """

    number: int
    span: Span
    digests: bytes


class Want(Struct, frozen=True):
    """The receiver's word on chunks of the catalogue.

    Attributes:
        upto: every chunk below this number has been looked up; what is not missing, the receiver has.
        missing: since the last WANT, in order. May also name earlier chunks again, which proved wrong or
            were lost: these are to be sent again, undelta'd.
        sketches: for some of the missing.
    """

    upto: int
    missing: tuple[Span, ...]
    sketches: tuple[Sketch, ...] = ()


class Data(Struct, frozen=True):
    """The header of a bundle; the body follows it in the same frame.

    The body is the plaintexts of the chunks, one after the other, encoded as one block.

    Attributes:
        number: of the bundle, counted from 0 in a session; a bundle sent again has a new number.
        spans: which chunks, in order.
        plain_bytes: of them together.
        framed: the body is a stored block of `dwcp.codecs`; else it is the plaintext itself.
        reference: ids of blocks whose plaintexts, one after the other, are the delta's reference; the
            receiver has acknowledged them, or announced them as known.
        sketch: number of the sketch whose matched pieces, one after the other, are the delta's reference;
            None where there is none.
        matched: with a sketch, one bit a piece (bit 0 of byte 0 first): which pieces.
    """

    number: int
    spans: tuple[Span, ...]
    plain_bytes: int
    framed: bool
    reference: tuple[bytes, ...] = ()
    sketch: int | None = None
    matched: bytes = b""


class Ack(Struct, frozen=True):
    """Bundles that were taken in: their chunks are verified and written, or named wrong in a WANT before.

    Their stored bytes count as credit again.
    """

    bundles: tuple[int, ...]


class Root(Struct, frozen=True):
    """Ends the catalogue.

    Attributes:
        content: id of the root's link: it commits to everything.
        files: how many.
        chunks: how many sequence numbers were given.
        plain_bytes: of all files, zero runs included.
    """

    content: bytes
    files: int
    chunks: int
    plain_bytes: int


class Done(Struct, frozen=True):
    """Everything is verified and in place."""

    content: bytes
    files_written: int
    files_kept: int
    files_deleted: int
    bytes_written: int


class Failure(Struct, frozen=True):
    """The ERROR frame: why the session ends.

    Attributes:
        code: see `dwcp.transfer.protocol.codes`.
        message: one sentence for a person.
        retryable: whether the same session may succeed later with nothing changed.
    """

    code: str
    message: str
    retryable: bool = False


class Ping(Struct, frozen=True):
    """Asks for PONG with the same token."""

    token: int


class Pong(Struct, frozen=True):
    """Answers PING."""

    token: int


class Bye(Struct, frozen=True):
    """The last frame of a stream that closes in good order; its data has all been sent."""

    detail: str = ""


Message: TypeAlias = (
    Hello
    | Proof
    | Offer
    | Accept
    | List
    | Listing
    | Catalogue
    | Want
    | Data
    | Ack
    | Root
    | Done
    | Failure
    | Ping
    | Pong
    | Bye
)
"""Anything a frame may say."""
