"""What `dwcp serve` watches and shows: rollouts, experiments, drift, outcomes."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dwcp.registry import Registry
from dwcp.safety.flags import FLAGS_NAME
from dwcp.serving.drifting import DriftWatch
from dwcp.serving.helm import Helm
from dwcp.serving.keeper import Keeper
from dwcp.serving.local import LocalAdvisor
from dwcp.serving.metrics import (
    Forecasts,
    Judgements,
    Observed,
    StoreFigures,
    drift_views,
    experiment_views,
    rollout_views,
)
from dwcp.task import Task

__all__ = ["STATE_NAME", "Watch"]

STATE_NAME = "serving/state.json"
"""Where breakers and what policies learned survive a restart, in the home."""

_BANDWIDTH = "bandwidth"


class Watch:
    """Everything beside the models that a server remembers and shows.

    Args:
        home: folder of rollouts, experiments, flags and what is kept over restarts.
        tasks: that are served.
        registry: where models are.
    """

    def __init__(self, home: Path, tasks: Mapping[str, Task], registry: Registry) -> None:
        self._home = home
        self._registry = registry
        self._judgements = Judgements(tasks)
        self._forecasts = Forecasts()
        self._drift = DriftWatch(tasks)
        self.helm = Helm(
            home,
            tasks,
            flags=home / FLAGS_NAME,
            heard=self._judgements.add,
            drift=self._drift,
            who="dwcp serve",
        )

    def take_in(self, task_name: str, context: Any, action: Any, outcome: Any) -> None:
        """An outcome was told: of forecasts the page shows what came."""
        if task_name == _BANDWIDTH:
            self._forecasts.observe(context, action, outcome, time.time())

    def observed(
        self, advisor: LocalAdvisor, store: Callable[[], StoreFigures | None] | None = None
    ) -> Observed:
        """What metrics and the page show.

        Args:
            advisor: answers hints.
            store: tells at once how much a store holds; None where there is none to tell of.
        """
        return Observed(
            advisor,
            self._judgements,
            self._forecasts,
            self._registry,
            rollouts=lambda: rollout_views(self.helm.rollouts.values()),
            experiments=lambda: experiment_views(self.helm.book),
            drifts=lambda: drift_views(self._drift.reports(time.time()), self._drift.settings),
            telemetry=self._home / "telemetry",
            store=store,
        )

    def keeper(self, advisor: LocalAdvisor, say: Callable[[str, str], None]) -> Keeper:
        """What keeps the advisor as the registry and the rollouts want it."""
        also = {"judgements": self._judgements}
        return Keeper(advisor, self._registry, self.helm, self._home / STATE_NAME, also=also, say=say)
