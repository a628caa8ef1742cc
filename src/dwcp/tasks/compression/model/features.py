"""What the learners see of a block: features, as torch modules of few operations."""

import itertools

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dwcp.features.transforms import Ratio
from dwcp.tasks.compression.contract import CANDIDATES
from dwcp.tasks.compression.inputs import FACTS, MISSING

__all__ = ["DEPTHS", "Features", "feature_names"]

DEPTHS = 4
"""Depths of looking: statistics, light, medium, deep."""

_AT = {name: position for position, name in enumerate(FACTS)}
_SPEED_OF = {
    "lz4_light": "lz4",
    "lz4": "lz4",
    "zstd_fast": "zstd-1",
    "zstd_strong": "zstd-9",
    "zstd_whole": "zstd-1",
    "delta": "delta-1",
}
_CANDIDATE_AT = {action.name: position for position, action in enumerate(CANDIDATES)}
_SIZES = ("block_bytes", "reference_window_bytes")
_SHARES = ("zero_share", "text_share", "repeat_share", "reference_same_share")
_ENTROPIES = ("entropy_bits", "difference_entropy_bits", "stride_entropy_bits")
_SMALLEST_RATIO, _SMALLEST_MS = 1e-4, 1e-3
_PROBES_OF_DEPTH = ("lz4_light", "zstd_fast", "zstd_strong")


def feature_names() -> tuple[str, ...]:
    """What `Features` gives for the stem and the network, in order."""
    logs = (*_SIZES, *(f"{p}_ratio" for p in _SPEED_OF), *(f"{p}_ms_per_mib" for p in _SPEED_OF))
    return (*logs, *_ENTROPIES, *_SHARES, "reference_changed_share")


class Features(nn.Module):
    """Facts and calibration to what the learners see.

    Alike things are computed side by side: in the graph of one decision, what counts is the number of
    operations, not of elements.

    Args:
        training_speed: milliseconds per MiB of each candidate where the training rows were measured.
    """

    training_speed: Tensor
    floors: Tensor
    depth_of: Tensor
    digits: Tensor

    def __init__(self, training_speed: NDArray[np.floating]) -> None:
        super().__init__()
        self.register_buffer("training_speed", torch.from_numpy(training_speed.astype(np.float32)))
        self._ratio = Ratio(_SMALLEST_RATIO)
        self._ms = [_AT[f"{probe}_ms_per_mib"] for probe in _SPEED_OF]
        self._plain = [_AT[name] for name in (*_SIZES, *(f"{probe}_ratio" for probe in _SPEED_OF))]
        self._speeds = [_CANDIDATE_AT[name] for name in _SPEED_OF.values()]
        self._entropies = [_AT[name] for name in _ENTROPIES]
        self._shares = [_AT[name] for name in _SHARES]
        probes = len(_SPEED_OF)
        floors = [1.0] * len(_SIZES) + [_SMALLEST_RATIO] * probes + [_SMALLEST_MS] * probes
        self.register_buffer("floors", torch.tensor(floors))
        self._known = [_AT[f"{probe}_ratio"] for probe in _PROBES_OF_DEPTH]
        self.register_buffer("digits", torch.tensor([4.0, 2.0, 1.0]))
        self.register_buffer("depth_of", torch.tensor([_depth(*known) for known in _COMBINATIONS]))

    def forward(self, facts: Tensor, speed_ms_per_mib: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Raw inputs for trees, features for the rest, depth one-hot, and log speed against training.

        Trees get only what IEEE 754 rounds exactly: the facts, with milliseconds as if measured at the
        training machine's speed.
        """
        known_speed = torch.where(speed_ms_per_mib <= 0, self.training_speed, speed_ms_per_mib)
        slower = known_speed / self.training_speed
        ms = facts[:, self._ms]
        ms = torch.where(ms < 0, ms, ms / slower[:, self._speeds])
        plain = facts[:, self._plain]
        measured = torch.cat([plain, ms], dim=1)
        # Nothing is known of a missing value: it says nothing, and the depth tells that it is missing.
        logs = torch.where(measured <= MISSING, _ZERO, torch.log(torch.maximum(measured, self.floors)))
        entropies = torch.clamp(facts[:, self._entropies], 0.0, 8.0)
        shares = facts[:, self._shares]
        same = shares[:, 3:4]
        changed = torch.where(same < 0, _ZERO, torch.log(1.02 - torch.clamp(same, max=1.0)))
        features = torch.cat([logs, entropies, torch.clamp(shares, 0.0, 1.0), changed], dim=1)
        growth = self._ratio(plain[:, [2, 3, 4, 4]], plain[:, 3:7])
        raw = torch.cat([measured, entropies, shares, growth], dim=1)
        known = (facts[:, self._known] >= 0).to(facts.dtype)
        depth = self.depth_of[(known @ self.digits).to(torch.int64)]
        return raw, features, depth, torch.log(slower)


_ZERO = torch.tensor(0.0)
_COMBINATIONS = tuple(itertools.product((0.0, 1.0), repeat=len(_PROBES_OF_DEPTH)))
"""Which of the probes are known, in the order of the binary numbers that they make."""


def _depth(light: float, medium: float, deep: float) -> tuple[float, float, float, float]:
    return 1 - light, light * (1 - medium), medium * (1 - deep), medium * deep
