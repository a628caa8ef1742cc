"""Decoding: one function for every codec, since the frame says which it was."""

from dwcp.codecs.buffers import Buffer
from dwcp.codecs.delta import decompress_delta
from dwcp.codecs.dictionary import decompress_dictionary
from dwcp.codecs.frame import BlockKind, Header, unpack, verify
from dwcp.codecs.lz4 import decompress_lz4
from dwcp.codecs.reference import Reference, References
from dwcp.codecs.snappy import decompress_snappy
from dwcp.codecs.zstd import decompress_zstd
from dwcp.errors import BlockTooLargeError, CorruptBlockError, InputError, ReferenceMissingError

__all__ = ["decode"]


def decode(stored: Buffer, max_bytes: int, references: References | None = None) -> bytes:
    """The plaintext of a stored block: exactly the bytes that went in, or an error.

    Memory is bounded before any is taken: by ``max_bytes``, by the declared length, and by what a payload
    of this length can give.

    Args:
        stored: the whole stored block.
        max_bytes: the longest plaintext to accept.
        references: where to find what a delta names; pinned while in use.

    Raises:
        CorruptBlockError: damaged, cut short, or decoded against the wrong reference.
        BlockTooLargeError: it declares more than ``max_bytes``.
        ReferenceMissingError: it names a reference that is not at hand.
    """
    header, payload = unpack(stored)
    if header.plain_bytes > max_bytes:
        raise BlockTooLargeError(
            f"stored block declares {header.plain_bytes} plain bytes, and at most {max_bytes} are accepted"
        )
    plain = _decompress(header, payload, references)
    verify(header, plain)
    return plain


def _decompress(header: Header, payload: memoryview, references: References | None) -> bytes:
    match header.kind:
        case BlockKind.NONE:
            return _copy(payload, header.plain_bytes)
        case BlockKind.LZ4:
            return decompress_lz4(payload, header.plain_bytes)
        case BlockKind.SNAPPY:
            return decompress_snappy(payload, header.plain_bytes)
        case BlockKind.ZSTD:
            return decompress_zstd(payload, header.plain_bytes)
        case _:
            return _with_reference(header, payload, references)


def _copy(payload: memoryview, plain_bytes: int) -> bytes:
    if len(payload) != plain_bytes:
        raise CorruptBlockError(
            f"block declares {plain_bytes} bytes and holds {len(payload)} of them; fetch it again"
        )
    return bytes(payload)


def _with_reference(header: Header, payload: memoryview, references: References | None) -> bytes:
    if references is None:
        raise ReferenceMissingError(
            f"{header.kind.name} block needs reference {header.reference_id.hex()}, and none were given"
        )
    with references.pin(header.reference_id) as reference:
        match header.kind:
            case BlockKind.DELTA_WINDOW:
                return decompress_delta(payload, header.plain_bytes, _part(reference, header))
            case BlockKind.DELTA:
                return decompress_delta(payload, header.plain_bytes, reference)
            case BlockKind.DICTIONARY:
                return decompress_dictionary(payload, header.plain_bytes, reference)
            case _:
                return _known(header, payload, reference)


def _part(reference: Reference, header: Header) -> Reference:
    try:
        return reference if header.window is None else reference.part(header.window)
    except InputError as error:
        raise CorruptBlockError(f"block names a part its reference does not have: {error}") from error


def _known(header: Header, payload: memoryview, reference: Reference) -> bytes:
    if payload:
        raise CorruptBlockError(f"KNOWN block has {len(payload)} bytes past its end; fetch it again")
    return _copy(reference.view, header.plain_bytes)
