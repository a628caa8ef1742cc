"""The tasks' own rules, which keep what they are told."""

from typing import Any

import pytest

from dwcp.serving import FallbackAdvisor, ModelRef, Reason
from dwcp.serving.hint import Hint
from dwcp.serving.hints import gossip
from dwcp.tasks import discover
from dwcp.tasks.peers import contract as peers


class Rules(FallbackAdvisor):
    """Answers every task, those that are not there yet as a model would."""

    def __init__(self) -> None:
        super().__init__({name: task.fallback() for name, task in discover().items()})
        self.observed: list[tuple[str, Any, Any, Any]] = []
        self.fails = False
        self.is_empty = False
        self.buckets: list[tuple[str, str]] = []

    def ask(self, task_name: str, context: Any, *, unit: str = "", region: str = "") -> Hint[Any]:
        self.buckets.append((unit, region))
        if self.is_empty:
            return FallbackAdvisor({}).ask(task_name, context)
        if self.fails:
            return Hint(None, Reason.FALLBACK_ERROR, 0.0, None, detail="the fallback failed")
        if task_name == "peers":
            order = tuple(peer.name for peer in context.candidates)
            return Hint(peers.Action(order), Reason.MODEL, 0.9, ModelRef("peers", "online", ""))
        if task_name == "gossip":
            return Hint(gossip.Action(), Reason.EXPERIMENT_CONTROL, 0.5, ModelRef("gossip", "1.2.0", "ab"))
        return super().ask(task_name, context)

    def observe(self, task_name: str, context: Any, action: Any, outcome: Any) -> None:
        self.observed.append((task_name, context, action, outcome))


@pytest.fixture
def rules() -> Rules:
    return Rules()
