"""The limits agree with each other, and with the layers below."""

import dwcp.blocks as blocks
from dwcp.transfer.protocol import limits


def test_what_blocks_and_the_protocol_share_is_the_same() -> None:
    shared = (
        "ID_BYTES",
        "LINK_BYTES",
        "MAX_DEPTH",
        "MAX_MODE",
        "MAX_NAME_BYTES",
        "MAX_TARGET_BYTES",
        "ZERO_RUN_BYTES",
    )
    assert {name: getattr(limits, name) for name in shared} == {
        name: getattr(blocks, name) for name in shared
    }
    assert limits.MAX_INT == blocks.MAX_SIZE_BYTES
    assert limits.MAX_CHUNK_BYTES <= blocks.MAX_CHUNK_BYTES


def test_what_the_limits_of_arrays_allow_fits_the_limits_of_frames() -> None:
    number, span, head = 9, 19, 64
    assert limits.MAX_ACK_BUNDLES * number + head <= limits.MAX_ACK_BYTES
    assert limits.MAX_WANT_SPANS * span + head < limits.MAX_CONTROL_BYTES
    assert limits.MAX_SKETCH_PIECES * limits.PIECE_DIGEST_BYTES + head < limits.MAX_CONTROL_BYTES
    assert limits.MAX_RECORD_CHUNKS * (limits.ID_BYTES + 5) + head < limits.MAX_CONTROL_BYTES
    data_head = (
        limits.MAX_DATA_SPANS * span
        + limits.MAX_REFERENCES * (2 + limits.ID_BYTES)
        + limits.MAX_SKETCH_PIECES // 8
        + head
    )
    assert data_head <= limits.MAX_DATA_HEAD_BYTES
    assert limits.MAX_DATA_HEAD_BYTES + limits.MAX_BUNDLE_BYTES < limits.MAX_DATA_BYTES
    assert limits.MAX_TEXT * 4 + head <= limits.MAX_SMALL_BYTES
    assert limits.MAX_CODECS * (limits.MAX_CODEC_NAME + 2) + 256 <= limits.MAX_SMALL_BYTES
    assert limits.MAX_NAME_BYTES + 256 <= limits.MAX_SMALL_BYTES
    assert limits.MAX_CHUNK_BYTES <= limits.MAX_BUNDLE_BYTES
    assert limits.MAX_SHOWN_TEXT <= limits.MAX_TEXT
