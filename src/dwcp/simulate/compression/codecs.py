"""Codec models: what a codec does with a block, from a few calibrated constants.

Every codec here is an LZ77 coder: matches found by a search of some effort inside a window, each costing
a few bytes, and literals that are either stored or entropy coded. Time is spent per match, per literal
searched, per literal entropy coded and per matched byte; data without matches is skipped over, which is
why fast codecs are fastest on data they cannot shrink (Collet's acceleration in LZ4 and zstd).

The constants were fitted to runs of lz4 4.4, cramjam 2.14 (snappy) and backports.zstd (zstd 1.5.7), thread
CPU time on one 2.6 GHz server core, on text, C and Python source, logs, JSON, CSV, SQLite pages, raw images,
heap pages and executables in blocks of 8 KiB to 1 MiB. Against those runs the median error is 2-5% for stored
sizes, 9-15% for decompression times and 10-20% for compression times (28-32% at levels 12 and 15, where zstd
changes its search with the size of the input); these are the runs it was fitted to, with each data set's own
latents. The tails are longer: smooth raw images miss lz4's compression time by a factor of four. Measured
anchors, blocks of 1 MiB, as ratio, compression MB/s and decompression MB/s:

=============  =================  =================  =================  =================
codec          source             JSON               database pages     encrypted
=============  =================  =================  =================  =================
lz4            2.92   629  3481   5.16  1266  5035   1.28  566  3287    1.00 15866 22425
snappy         2.92   616  1656   4.81  1305  3047   1.32  424  1448    1.00 13731 29173
zstd -7        2.56   566  1821   5.12  1279  3279   1.20   805  2993    1.00  8526 12240
zstd -3        3.17   505  1766   6.09  1164  3233   1.30   569  2341    1.00  8475 13031
zstd -1        3.51   471  1689   6.58  1072  3235   1.38   439  2062    1.00  8099 12958
zstd 1         4.13   442  1467   8.27   930  2566   1.59  360  1161    1.00  6382 11075
zstd 3         4.46   320  1349   8.53   709  2340   1.85  193  1073    1.00  4498 11867
zstd 9         5.08    65  1407   9.85   145  2709   1.97   52  1099    1.00  1676 10530
zstd 19        5.52     4  1355   10.7     3  2516   2.06    4   919    1.00    10  6202
=============  =================  =================  =================  =================

A delta is a zstd prefix with long-distance matching. Measured with a reference as long as the block, 5% of
whose bytes were replaced in runs of 512: source 1 MiB, level 3: stored 1.6%, 1.8 ns a byte; with a
reference four times as long 1.1% and 3.3 ns: each reference byte costs 0.55 ns to index.
"""

from dataclasses import dataclass

from dwcp.errors import InputError

__all__ = ["CANDIDATES", "CODEC_MODELS", "DELTA_MODELS", "CodecModel", "DeltaModel", "TimeModel", "model_of"]


@dataclass(frozen=True, slots=True)
class TimeModel:
    """Nanoseconds spent on a byte, by what the byte is.

    Attributes:
        random_ns: per byte of data that cannot be shrunk.
        zero_ns: per byte of a run of zeros.
        match_ns: per match.
        literal_ns: per literal passed by the match search.
        entropy_ns: per literal entropy coded.
        copied_ns: per byte covered by a match.
        size_exponent: time a byte grows with ``(block / 64 KiB) ** size_exponent``, up to 1 MiB: caches.
        call_us: fixed microseconds a call.
    """

    random_ns: float
    zero_ns: float
    match_ns: float
    literal_ns: float
    entropy_ns: float
    copied_ns: float
    size_exponent: float
    call_us: float


@dataclass(frozen=True, slots=True)
class CodecModel:
    """One codec at one level.

    Attributes:
        name: the candidate's name.
        effort: match strength found, 1 for lz4's greedy search.
        window_bytes: how far back a match may lie.
        token_bytes: stored bytes a match.
        codes_entropy: whether literals are entropy coded.
        zero_cost: stored bytes per byte of a run of zeros.
        frame_bytes: fixed header, checksum and tables.
        compress: time model of compression.
        decompress: time model of decompression.
    """

    name: str
    effort: float
    window_bytes: int
    token_bytes: float
    codes_entropy: bool
    zero_cost: float
    frame_bytes: int
    compress: TimeModel
    decompress: TimeModel


@dataclass(frozen=True, slots=True)
class DeltaModel:
    """A zstd level with a reference as its prefix.

    Attributes:
        name: the candidate's name.
        base: the plain codec that codes what the reference does not hold.
        reference_ns: nanoseconds to index a byte of the reference.
        copied_ns: nanoseconds per byte found in the reference.
        size_exponent: growth of ``reference_ns`` with ``(block / 64 KiB)``.
    """

    name: str
    base: CodecModel
    reference_ns: float
    copied_ns: float
    size_exponent: float


def _lz(
    name: str,
    found: tuple[float, float],
    zero_cost: float,
    compress: tuple[float, ...],
    decompress: tuple[float, ...],
) -> CodecModel:
    effort, token = found
    times = TimeModel(*compress), TimeModel(*decompress)
    return CodecModel(name, effort, 1 << 16, token, False, zero_cost, 13, *times)


def _zstd(
    level: int,
    window_log: int,
    found: tuple[float, float],
    compress: tuple[float, ...],
    decompress: tuple[float, ...],
) -> CodecModel:
    effort, token = found
    literals_coded = level > 0
    times = TimeModel(*compress), TimeModel(*decompress)
    return CodecModel(
        f"zstd-{level}",
        effort,
        1 << window_log,
        token,
        literals_coded,
        3e-5,
        60 if literals_coded else 20,
        *times,
    )


_COPY = TimeModel(0.05, 0.05, 0.0, 0.0, 0.0, 0.0, 0.0, 0.3)

CODEC_MODELS: tuple[CodecModel, ...] = (
    CodecModel("none", 0.0, 1, 1.0, False, 1.0, 13, _COPY, _COPY),
    _lz(
        "lz4",
        (1.00, 3.00),
        0.0039,
        (0.074, 0.073, 5.1, 1.7, 0.0, 0.30, 0.175, 1.0),
        (0.048, 0.070, 0.4, 0.40, 0.0, 0.13, 0.10, 0.8),
    ),
    _lz(
        "lz4hc-9",
        (1.00, 2.25),
        0.0039,
        (18.3, 0.13, 82.8, 0.0, 0.0, 6.42, 0.150, 4.0),
        (0.054, 0.071, 1.2, 0.31, 0.0, 0.05, 0.075, 0.8),
    ),
    _lz(
        "snappy",
        (1.09, 3.01),
        0.047,
        (0.070, 0.068, 8.2, 2.1, 0.0, 0.0, 0.200, 1.0),
        (0.034, 0.52, 3.2, 0.32, 0.0, 0.04, 0.15, 0.8),
    ),
    _zstd(
        -7,
        19,
        (0.90, 3.30),
        (0.152, 0.131, 4.8, 0.36, 0.0, 0.71, 0.125, 9.0),
        (0.112, 0.115, 2.8, 0.0, 0.0, 0.21, 0.0, 9.0),
    ),
    _zstd(
        -3,
        19,
        (1.03, 2.80),
        (0.154, 0.131, 4.6, 1.9, 0.0, 0.79, 0.125, 9.0),
        (0.112, 0.115, 2.5, 0.0, 0.0, 0.26, 0.0, 9.0),
    ),
    _zstd(
        -1,
        19,
        (1.07, 2.50),
        (0.157, 0.131, 7.6, 1.7, 0.0, 0.53, 0.125, 9.0),
        (0.112, 0.115, 1.2, 0.0, 0.0, 0.45, 0.0, 9.0),
    ),
    _zstd(
        1,
        19,
        (0.67, 1.83),
        (0.172, 0.143, 9.6, 1.2, 0.74, 0.76, 0.0, 9.0),
        (0.109, 0.112, 2.7, 0.06, 0.73, 0.38, -0.05, 9.0),
    ),
    _zstd(
        3,
        21,
        (0.79, 1.86),
        (0.216, 0.215, 20.4, 4.1, 0.64, 0.0, 0.075, 9.0),
        (0.112, 0.113, 4.0, 0.15, 0.71, 0.28, -0.025, 9.0),
    ),
    _zstd(
        6,
        21,
        (0.81, 1.71),
        (0.477, 0.535, 59.6, 0.0, 0.70, 2.90, -0.025, 12.0),
        (0.110, 0.114, 4.2, 0.37, 0.67, 0.23, -0.05, 9.0),
    ),
    _zstd(
        9,
        22,
        (0.81, 1.66),
        (0.547, 0.736, 81.0, 0.0, 0.70, 6.84, -0.05, 12.0),
        (0.111, 0.114, 4.4, 0.41, 0.67, 0.17, -0.025, 9.0),
    ),
    _zstd(
        12,
        22,
        (0.81, 1.63),
        (1.785, 0.859, 37.3, 0.0, 0.70, 29.7, -0.10, 15.0),
        (0.113, 0.119, 4.5, 0.36, 0.77, 0.18, -0.05, 9.0),
    ),
    _zstd(
        15,
        22,
        (0.81, 1.55),
        (22.5, 0.787, 100.0, 0.0, 6.90, 78.7, -0.15, 15.0),
        (0.130, 0.117, 3.3, 1.23, 0.76, 0.25, -0.05, 9.0),
    ),
    _zstd(
        19,
        23,
        (0.81, 1.49),
        (45.8, 0.850, 0.0, 0.0, 24.2, 237.0, 0.025, 16.0),
        (0.129, 0.115, 3.5, 1.11, 1.11, 0.17, 0.025, 9.0),
    ),
)
"""Every plain codec the simulator knows, lightest first within a family."""


def _plain(name: str) -> CodecModel:
    return next(model for model in CODEC_MODELS if model.name == name)


DELTA_MODELS: tuple[DeltaModel, ...] = (
    DeltaModel("delta-1", _plain("zstd-1"), 0.56, 0.18, 0.0),
    DeltaModel("delta-3", _plain("zstd-3"), 0.58, 0.65, 0.0),
    DeltaModel("delta-9", _plain("zstd-9"), 4.0, 0.30, 0.03),
    DeltaModel("delta-19", _plain("zstd-19"), 60.0, 5.0, 0.28),
)
"""Every delta the simulator knows."""

CANDIDATES: tuple[str, ...] = (
    *(model.name for model in CODEC_MODELS),
    *(model.name for model in DELTA_MODELS),
)
"""Names of every candidate, in the tables' order."""


def model_of(name: str) -> CodecModel | DeltaModel:
    """The model behind a candidate's name, e.g. ``zstd-3``, ``zstd--3`` (level -3) or ``delta-9``.

    Raises:
        InputError: no such candidate.
    """
    known: dict[str, CodecModel | DeltaModel] = {model.name: model for model in CODEC_MODELS}
    known |= {model.name: model for model in DELTA_MODELS}
    if name in known:
        return known[name]
    raise InputError(f"the simulator has no codec {name!r}; choose among {', '.join(CANDIDATES)}")
