"""In-graph features: small torch modules, so that training and serving cannot drift apart.

Each exports with the legacy exporter at opset 17 and keeps the batch dimension free. Import this module
from code that trains, never from code that serves.

Two rules for what goes before a tree ensemble. Feed it raw values and operations that IEEE 754 rounds
exactly (difference, ratio): trees do not care for monotone transforms, and a logarithm that differs in its
last bit between two runtimes flips a split. And let NaN reach it: trees know a direction for missing values,
while clamping and logarithms do not; put `MissingMask` before those.
"""

from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

__all__ = ["Differences", "Log1p", "MissingMask", "OneHot", "Ratio", "SafeLog", "Standardise"]


class SafeLog(nn.Module):
    """Natural logarithm of values clamped from below, any shape; zeros and negatives give ``log(floor)``.

    Args:
        floor: smallest value taken as it is.

    Raises:
        ValueError: the floor is not above zero.
    """

    def __init__(self, floor: float = 1e-6) -> None:
        super().__init__()
        if not floor > 0:
            raise ValueError(f"the floor of a logarithm must be above zero, not {floor}")
        self.floor = floor

    def forward(self, values: Tensor) -> Tensor:
        """The logarithm, same shape."""
        return torch.log(torch.clamp(values, min=self.floor))


class Log1p(nn.Module):
    """``log(1 + x)`` of values clamped at zero, any shape: for counts and sizes.

    Written as ONNX has it, an addition and a logarithm, so that both runtimes round alike.
    """

    def forward(self, values: Tensor) -> Tensor:
        """The logarithm, same shape."""
        return torch.log(torch.clamp(values, min=0.0) + 1.0)


class Standardise(nn.Module):
    """Subtract the mean and divide by the standard deviation, per position of the last axis.

    Args:
        mean: ``[features]``.
        deviation: ``[features]``, above zero.

    Raises:
        ValueError: shapes differ, or a deviation is not above zero.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, mean: NDArray[np.floating], deviation: NDArray[np.floating]) -> None:
        super().__init__()
        if mean.shape != deviation.shape or not np.all(deviation > 0):
            raise ValueError("standardising needs one mean and one deviation above zero for each feature")
        self.register_buffer("mean", torch.from_numpy(mean.astype(np.float32)))
        self.register_buffer("deviation", torch.from_numpy(deviation.astype(np.float32)))

    @classmethod
    def fit(cls, values: NDArray[np.floating]) -> Self:
        """Measure training values in two passes, in float64; NaN is left out, a constant keeps its scale.

        Args:
            values: ``[rows, ..., features]``; training rows only.

        Raises:
            ValueError: there are no rows, or a value is infinite.
        """
        rows = values.reshape(-1, values.shape[-1]).astype(np.float64)
        if rows.shape[0] == 0 or np.isinf(rows).any():
            raise ValueError("standardising needs at least one row of finite values")
        known = ~np.isnan(rows)
        count = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, rows, 0.0).sum(axis=0) / count
        centred = np.where(known, rows - mean, 0.0)
        deviation = np.sqrt(np.square(centred).sum(axis=0) / count)
        negligible = deviation <= 1e-7 * np.maximum(np.abs(mean), 1e-30)
        return cls(mean, np.where(negligible, 1.0, deviation))

    def forward(self, values: Tensor) -> Tensor:
        """Scaled values, same shape ``[batch, ..., features]``."""
        return (values - self.mean) / self.deviation


class OneHot(nn.Module):
    """Class numbers to one-hot rows by comparison; a number outside ``0..size-1`` gives all zeros.

    Args:
        size: how many classes there are.
    """

    classes: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("classes", torch.arange(size, dtype=torch.int64))

    def forward(self, numbers: Tensor) -> Tensor:
        """``[batch, ...]`` int64 to ``[batch, ..., size]`` float32."""
        return (numbers.unsqueeze(-1) == self.classes).to(torch.float32)


class MissingMask(nn.Module):
    """NaN to a fill value, and a mask beside it on the last axis.

    Args:
        fill: what stands in for a missing value.
    """

    def __init__(self, fill: float = 0.0) -> None:
        super().__init__()
        self.fill = fill

    def forward(self, values: Tensor) -> Tensor:
        """``[batch, ..., features]`` to ``[batch, ..., 2 * features]``: values, then 1 where missing."""
        missing = torch.isnan(values)
        filled = torch.where(missing, torch.full_like(values, self.fill), values)
        return torch.cat([filled, missing.to(values.dtype)], dim=-1)


class Ratio(nn.Module):
    """One tensor over another, the divisor clamped from below.

    Args:
        floor: smallest divisor taken as it is.

    Raises:
        ValueError: the floor is not above zero.
    """

    def __init__(self, floor: float = 1e-6) -> None:
        super().__init__()
        if not floor > 0:
            raise ValueError(f"the floor of a divisor must be above zero, not {floor}")
        self.floor = floor

    def forward(self, numerator: Tensor, denominator: Tensor) -> Tensor:
        """The quotient; the shapes broadcast."""
        return numerator / torch.clamp(denominator, min=self.floor)


class Differences(nn.Module):
    """Each step of a window less the step before it, along axis 1."""

    def forward(self, window: Tensor) -> Tensor:
        """``[batch, steps, ...]`` to ``[batch, steps - 1, ...]``."""
        return window[:, 1:] - window[:, :-1]
