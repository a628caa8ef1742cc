"""Fields of what is asked about links and what is sent over them: bandwidth and compression."""

from typing import get_args

from dwcp.codecs.facts import BlockFacts, Probe, ReferenceFacts
from dwcp.errors import InputError
from dwcp.serving.hints.records import Member, Record, record
from dwcp.serving.hints.shapes import Amount, Count, ListOf
from dwcp.serving.hints.strings import Choice, Word
from dwcp.serving.hints.units import BYTES, COUNT, EPOCH_S, FLAG, MBPS, MS, NAME, NUMBER, SHARE, TEXT
from dwcp.tasks.bandwidth import contract as bandwidth
from dwcp.tasks.compression import contract as compression

__all__ = [
    "BANDWIDTH_ACTION",
    "BANDWIDTH_CONTEXT",
    "BANDWIDTH_OUTCOME",
    "COMPRESSION_ACTION",
    "COMPRESSION_CONTEXT",
    "COMPRESSION_OUTCOME",
]

_STEP = record(
    "BandwidthStep",
    bandwidth.Step,
    throughput_mbps=MBPS,
    rtt_ms=MS,
    jitter_ms=MS,
    packet_loss=SHARE,
    retransmits=COUNT,
    congestion_window=COUNT,
    app_limited=FLAG,
)
_REGIMES = ("unknown", *sorted({*get_args(bandwidth.Regime)} - {"unknown"}))
_QUANTILES = record("BandwidthQuantiles", bandwidth.Quantiles, low=MBPS, mid=MBPS, high=MBPS)

BANDWIDTH_CONTEXT = record(
    "BandwidthContext",
    bandwidth.Context,
    steps=ListOf(_STEP, most=256),
    step_s=Amount(1e-3, 86_400.0),
    epoch_s=EPOCH_S,
    path=TEXT,
    regime=Choice(_REGIMES),
    link_type=TEXT,
    network_tier=TEXT,
    transport_type=TEXT,
)
BANDWIDTH_ACTION = record(
    "BandwidthAction",
    bandwidth.Action,
    next_step=_QUANTILES,
    horizon=_QUANTILES,
    confidence=SHARE,
    rtt_ms=MS,
    jitter_ms=MS,
    packet_loss=SHARE,
)
BANDWIDTH_OUTCOME = record(
    "BandwidthOutcome", bandwidth.Outcome, steps=ListOf(_STEP, least=1, most=bandwidth.HORIZON_STEPS)
)

_PROBE = record("Probe", Probe, ratio=Amount(0.0, 1e3), ms_per_mib=NUMBER)
_REFERENCE = record(
    "ReferenceFacts", ReferenceFacts, window_bytes=BYTES, same_share=SHARE, delta=_PROBE, made_up=FLAG
)
_BITS = Amount(0.0, 8.0)
_FACTS = record(
    "BlockFacts",
    BlockFacts,
    block_bytes=Count(1, 2**53),
    entropy_bits=_BITS,
    difference_entropy_bits=_BITS,
    stride_entropy_bits=_BITS,
    zero_share=SHARE,
    text_share=SHARE,
    repeat_share=SHARE,
    lz4_light=_PROBE,
    lz4=_PROBE,
    zstd_fast=_PROBE,
    zstd_strong=_PROBE,
    zstd_whole=_PROBE,
    reference=_REFERENCE,
    probe_ms=MS,
)
_LINK = record(
    "LinkForecast",
    compression.Link,
    bandwidth_mbps=Amount(1e-3, 1e8),
    rtt_ms=MS,
    jitter_ms=MS,
    packet_loss=SHARE,
)
_LEVELS = {
    codec: sorted(one.level for one in compression.CANDIDATES if one.codec == codec)
    for codec in dict.fromkeys(one.codec for one in compression.CANDIDATES)
}


def _candidate(codec: str, level: int) -> compression.Action:
    if level not in _LEVELS[codec]:
        known = ", ".join(map(str, _LEVELS[codec]))
        raise InputError(f"level of codec {codec} is {level}; it must be one of {known}")
    return compression.Action(codec, level)


def _codec_schema(codec: str, levels: list[int]) -> dict[str, object]:
    properties = {"codec": {"const": codec}, "level": {"enum": levels}}
    return {"properties": properties, "required": ["codec"] if 0 in levels else ["codec", "level"]}


COMPRESSION_ACTION = Record(
    "CompressionAction",
    (
        Member("codec", Word(tuple(_LEVELS)), meaning="which."),
        Member("level", Count(-100, 100), int, "the codec's own level; 0 where it has none."),
    ),
    _candidate,
    narrower={"anyOf": [_codec_schema(codec, levels) for codec, levels in _LEVELS.items()]},
)
_SPEED = Record(
    "CodecSpeed",
    (
        Member("codec", NAME, meaning="as the codecs spell it, such as zstd-3."),
        Member("ms_per_mib", NUMBER, meaning="what a MiB of the calibration buffer takes."),
    ),
    lambda codec, ms_per_mib: (codec, ms_per_mib),
)
_WORKERS = Amount(1e-3, 4096.0)
_HOST = record(
    "HostProcessors",
    compression.Host,
    cpu_workers=_WORKERS,
    receiver_workers=_WORKERS,
    speed=ListOf(_SPEED, most=64),
)
_COST_MODELS = ("pipelined", "serial", "bytes")
_OBJECTIVE = record(
    "CompressionObjective",
    compression.Objective,
    cost_model=Choice(_COST_MODELS, compression.CostModel),
    cpu_price=Amount(0.0, 1e6),
)

COMPRESSION_CONTEXT = record(
    "CompressionContext",
    compression.Context,
    facts=_FACTS,
    link=_LINK,
    host=_HOST,
    objective=_OBJECTIVE,
    candidates=ListOf(COMPRESSION_ACTION, least=1, most=64, build=frozenset),
    flow=TEXT,
)
COMPRESSION_OUTCOME = record(
    "CompressionOutcome",
    compression.Outcome,
    stored_bytes=Count(1, 2**53),
    compress_ms=MS,
    decompress_ms=MS,
)
