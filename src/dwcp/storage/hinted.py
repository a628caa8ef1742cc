"""Compressing as the advisor says: it is asked once for a few chunks, and told what came of one of them."""

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence

from dwcp.codecs import Buffer, codec_named
from dwcp.codecs.buffers import byte_view
from dwcp.storage.block_store import BlockStore
from dwcp.storage.encoding import Encoded, encode_block

__all__ = ["encoder_for", "sampled_entropy_bits"]

_SAMPLE_BYTES = 4096
_LEAF = 0
"""Depth of a chunk in its DAG."""


def encoder_for(store: BlockStore, plains: Sequence[Buffer]) -> Callable[[Buffer], Encoded]:
    """What encodes chunks that belong together; from any thread.

    Args:
        store: with whom it asks, and the codec that is used where nobody is asked.
        plains: the chunks; the longest stands for all.
    """
    hints = store.hints
    if not hints.is_advised:
        return store.encoded
    sample = max(plains, key=len)
    entropy_bits = sampled_entropy_bits(sample)
    codec = codec_named(hints.compression(b"", len(sample), _LEAF, entropy_bits).codec)

    def encode(plain: Buffer) -> Encoded:
        began_ns = time.thread_time_ns()
        encoded = encode_block(plain, codec)
        if plain is sample:
            took_ms = (time.thread_time_ns() - began_ns) / 1e6
            size, stored = len(plain), len(encoded.stored)
            hints.record_compression(size, _LEAF, entropy_bits, codec.name, stored, took_ms)
        return encoded

    return encode


def sampled_entropy_bits(plain: Buffer) -> float:
    """Order-0 entropy of about four thousand bytes of a block, 0 to 8.

    A sample shows a little less than there is, at most 0.05 bits, which is added (Miller and Madow, 1955).
    """
    view = byte_view(plain)
    sample = bytes(view[:: max(1, len(view) // _SAMPLE_BYTES)])
    counts = Counter(sample)
    total = len(sample) or 1
    entropy = math.log2(total) - sum(count * math.log2(count) for count in counts.values()) / total
    return min(max(entropy + (len(counts) - 1) / (2 * total * math.log(2)), 0.0), 8.0)
