"""Everything that metrics and the page look at, handed over once by whoever serves."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dwcp.registry import Registry
from dwcp.serving.local import LocalAdvisor
from dwcp.serving.metrics.cached import Cached
from dwcp.serving.metrics.forecasts import Forecasts
from dwcp.serving.metrics.judgements import Judgements
from dwcp.serving.metrics.published import Published, read_published
from dwcp.serving.metrics.views import DriftView, ExperimentView, RolloutView, StoreFigures

if TYPE_CHECKING:
    from dwcp.serving.metrics.traffic import Traffic

__all__ = ["Observed"]

_REGISTRY_S = 15.0
_EXPERIMENTS_S = 60.0
_TELEMETRY_S = 15.0
_SAFETY_S = 5.0


@dataclass(frozen=True)
class Observed:
    """What is shown. What is None is not there, and nothing is shown of it.

    Every source but the advisor, judgements, forecasts and the store is read when it is looked at, at most
    every few seconds; one that raises a `DwcpError` shows as down until it can be read again.

    Attributes:
        advisor: answers hints, and counts them.
        judgements: what came of answers.
        forecasts: bandwidth forecasts beside what came.
        registry: where models are.
        rollouts: tells where rollouts stand.
        experiments: tells where experiments stand.
        drifts: tells what drifted.
        telemetry: folder of the records that transfers write.
        store: tells at once how much a store holds, as it was counted last; None before it was.
        clock: seconds since 1970.
        steady_clock: seconds that only go forward.
    """

    advisor: LocalAdvisor
    judgements: Judgements
    forecasts: Forecasts = field(default_factory=Forecasts)
    registry: Registry | None = None
    rollouts: Callable[[], Sequence[RolloutView]] | None = None
    experiments: Callable[[], Sequence[ExperimentView]] | None = None
    drifts: Callable[[], Sequence[DriftView]] | None = None
    telemetry: Path | None = None
    store: Callable[[], StoreFigures | None] | None = None
    clock: Callable[[], float] = time.time
    steady_clock: Callable[[], float] = time.monotonic

    @cached_property
    def published(self) -> Cached[Mapping[str, Published]] | None:
        """The registry's models, by task."""
        registry = self.registry
        if registry is None:
            return None
        return Cached(lambda: read_published(registry, self.advisor.slots()), _REGISTRY_S, self.steady_clock)

    @cached_property
    def traffic(self) -> "Cached[Traffic] | None":
        """What transfers recorded lately."""
        folder = self.telemetry
        if folder is None:
            return None
        from dwcp.serving.metrics.traffic import read_traffic

        return Cached(lambda: read_traffic(folder, self.clock()), _TELEMETRY_S, self.steady_clock)

    @cached_property
    def stored(self) -> Cached[StoreFigures | None] | None:
        """What the store holds."""
        return None if self.store is None else Cached(self.store, 0.0, self.steady_clock)

    @cached_property
    def rolled(self) -> Cached[Sequence[RolloutView]] | None:
        """Where rollouts stand."""
        return None if self.rollouts is None else Cached(self.rollouts, 0.0, self.steady_clock)

    @cached_property
    def tried(self) -> Cached[Sequence[ExperimentView]] | None:
        """Where experiments stand."""
        return (
            None if self.experiments is None else Cached(self.experiments, _EXPERIMENTS_S, self.steady_clock)
        )

    @cached_property
    def drifted(self) -> Cached[Sequence[DriftView]] | None:
        """What drifted."""
        return None if self.drifts is None else Cached(self.drifts, _SAFETY_S, self.steady_clock)

    def sources(self) -> Mapping[str, Cached[Any]]:
        """Each source of metrics that is there, by name."""
        found = {
            "registry": self.published,
            "telemetry": self.traffic,
            "store": self.stored,
            "rollouts": self.rolled,
            "drift": self.drifted,
        }
        return {name: source for name, source in found.items() if source is not None}
