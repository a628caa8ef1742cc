"""Lossless block codecs behind one protocol, and one function that decodes them all."""

from dwcp.codecs.buffers import Buffer
from dwcp.codecs.codec import Codec
from dwcp.codecs.decoding import decode
from dwcp.codecs.delta import Delta, encode_known
from dwcp.codecs.dictionary import DictionaryHealth, DictionaryZstd, TrainedDictionary, train_dictionary
from dwcp.codecs.frame import BlockKind, Header, Window, read_header
from dwcp.codecs.hierarchy import Hierarchy
from dwcp.codecs.lz4 import Lz4, Lz4Hc
from dwcp.codecs.names import CodecFamily, codec_families, codec_named
from dwcp.codecs.none import Uncompressed
from dwcp.codecs.reference import Reference, References, plaintext_id, window_round, windows
from dwcp.codecs.snappy import Snappy
from dwcp.codecs.store import ReferenceStore
from dwcp.codecs.zstd import Zstd

__all__ = [
    "BlockKind",
    "Buffer",
    "Codec",
    "CodecFamily",
    "Delta",
    "DictionaryHealth",
    "DictionaryZstd",
    "Header",
    "Hierarchy",
    "Lz4",
    "Lz4Hc",
    "Reference",
    "ReferenceStore",
    "References",
    "Snappy",
    "TrainedDictionary",
    "Uncompressed",
    "Window",
    "Zstd",
    "codec_families",
    "codec_named",
    "decode",
    "encode_known",
    "plaintext_id",
    "read_header",
    "train_dictionary",
    "window_round",
    "windows",
]
