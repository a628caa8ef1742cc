"""Contexts as the raw arrays the graph is fed. Missing numbers are -1; every feature is made in the graph."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from dwcp.codecs.facts import BlockFacts, Probe
from dwcp.features.spec import InputColumn, InputSpec
from dwcp.task import Arrays, OutputColumn
from dwcp.tasks.compression.contract import CANDIDATES, Action, Context, CostModel, can_be_chosen

__all__ = ["COST_MODELS", "FACTS", "MEASURES", "MISSING", "OUTPUTS", "SPEC", "arrays", "facts_row"]

MISSING = -1.0

FACTS = (
    "block_bytes",
    "entropy_bits",
    "difference_entropy_bits",
    "stride_entropy_bits",
    "zero_share",
    "text_share",
    "repeat_share",
    "lz4_light_ratio",
    "lz4_light_ms_per_mib",
    "lz4_ratio",
    "lz4_ms_per_mib",
    "zstd_fast_ratio",
    "zstd_fast_ms_per_mib",
    "zstd_strong_ratio",
    "zstd_strong_ms_per_mib",
    "zstd_whole_ratio",
    "zstd_whole_ms_per_mib",
    "reference_window_bytes",
    "reference_same_share",
    "delta_ratio",
    "delta_ms_per_mib",
)
"""Positions of the ``facts`` input."""

MEASURES = ("stored_ratio", "compress_ms_per_mib", "decompress_ms_per_mib")
"""What is predicted of each candidate, as logarithms."""

COST_MODELS = (CostModel.SERIAL, CostModel.PIPELINED, CostModel.BYTES)
"""Positions of the ``cost_model`` input."""

_COUNT = len(CANDIDATES)

SPEC = InputSpec(
    task="compression",
    columns=(
        InputColumn("facts", "float32", (len(FACTS),), "mixed", "facts of the block; -1: not known", -1.0),
        InputColumn("bandwidth_mbps", "float32", (), "Mbit/s", "expected goodput", 1e-3, 1e8),
        InputColumn("workers", "float32", (2,), "cores", "free to compress, free to decompress", 1e-3, 4096),
        InputColumn("cost_model", "int64", (), "1", "position in the cost models", 0, 2),
        InputColumn("cpu_price", "float32", (), "s/s", "seconds charged per CPU second", 0.0, 1e6),
        InputColumn("allowed", "float32", (_COUNT,), "1", "1 where the candidate may be chosen", 0.0, 1.0),
        InputColumn(
            "speed_ms_per_mib",
            "float32",
            (_COUNT,),
            "ms/MiB",
            "this machine's calibration; -1: not known",
            -1.0,
        ),
        InputColumn(
            "seen_count", "float32", (3, _COUNT), "1", "outcomes seen in this flow, by measure", 0.0, 1e6
        ),
        InputColumn(
            "seen_residual",
            "float32",
            (3, _COUNT),
            "1",
            "their mean log error, measured less predicted",
            -50,
            50,
        ),
    ),
    vocabularies=(
        ("candidates", tuple(action.name for action in CANDIDATES)),
        ("facts", FACTS),
        ("measures", MEASURES),
        ("cost_models", tuple(model.value for model in COST_MODELS)),
    ),
)
"""What the graph is fed."""

OUTPUTS = (
    OutputColumn("action", "int64", (), "1", "position of the cheapest allowed candidate"),
    OutputColumn("cost_s", "float32", (_COUNT,), "s", "predicted cost; 1e30 where not allowed"),
    OutputColumn("confidence", "float32", (), "1", "probability to be within 5% of the cheapest"),
    OutputColumn("predicted", "float32", (3, _COUNT), "1", "log of each measure, the flow aside"),
)
"""What the graph answers."""


def arrays(contexts: Sequence[Context]) -> Arrays:
    """Contexts to arrays, with nothing yet seen of their flows."""
    rows = len(contexts)
    return {
        "facts": np.array([facts_row(context.facts) for context in contexts], np.float32).reshape(
            rows, len(FACTS)
        ),
        "bandwidth_mbps": np.array([c.link.bandwidth_mbps for c in contexts], np.float32),
        "workers": np.array(
            [(c.host.cpu_workers, c.host.receiver_workers) for c in contexts], np.float32
        ).reshape(rows, 2),
        "cost_model": np.array([COST_MODELS.index(c.objective.cost_model) for c in contexts], np.int64),
        "cpu_price": np.array([c.objective.cpu_price for c in contexts], np.float32),
        "allowed": np.array([_allowed(c) for c in contexts], np.float32).reshape(rows, _COUNT),
        "speed_ms_per_mib": np.array([_speed(c.host.speed) for c in contexts], np.float32).reshape(
            rows, _COUNT
        ),
        "seen_count": np.zeros((rows, 3, _COUNT), np.float32),
        "seen_residual": np.zeros((rows, 3, _COUNT), np.float32),
    }


def facts_row(facts: BlockFacts) -> tuple[float, ...]:
    """The facts in the order of `FACTS`."""
    reference = facts.reference
    return (
        facts.block_bytes,
        facts.entropy_bits,
        facts.difference_entropy_bits,
        facts.stride_entropy_bits,
        facts.zero_share,
        facts.text_share,
        facts.repeat_share,
        *_probe(facts.lz4_light),
        *_probe(facts.lz4),
        *_probe(facts.zstd_fast),
        *_probe(facts.zstd_strong),
        *_probe(facts.zstd_whole),
        MISSING if reference is None else reference.window_bytes,
        MISSING if reference is None else reference.same_share,
        *_probe(None if reference is None else reference.delta),
    )


def _probe(probe: Probe | None) -> tuple[float, float]:
    return (MISSING, MISSING) if probe is None else (probe.ratio, probe.ms_per_mib)


def _allowed(context: Context) -> tuple[float, ...]:
    return _allowed_of(context.candidates, context.facts.reference is not None)


@lru_cache(maxsize=64)
def _allowed_of(candidates: frozenset[Action], referenced: bool) -> tuple[float, ...]:
    return tuple(float(can_be_chosen(action, candidates, referenced=referenced)) for action in CANDIDATES)


@lru_cache(maxsize=64)
def _speed(speed: tuple[tuple[str, float], ...]) -> tuple[float, ...]:
    known = dict(speed)
    return tuple(known.get(action.name, MISSING) for action in CANDIDATES)
