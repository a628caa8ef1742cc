"""A server's insides with everything in them: what metrics, dashboards and the page are tried on."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from itertools import count
from math import sin
from pathlib import Path
from random import Random
from typing import Any

from dwcp.registry import Golden
from dwcp.safety.rollout.stages import Stage
from dwcp.serving.local import LocalAdvisor
from dwcp.serving.metrics import (
    ArmView,
    DriftView,
    ExperimentView,
    Forecasts,
    Judgements,
    Observed,
    RolloutView,
)
from dwcp.storage.stats import CodecTotals, StoreStats
from dwcp.task import Verdict
from dwcp.tasks.bandwidth.contract import Action, Context, Outcome, Quantiles, Step
from dwcp.telemetry import IdentifierHasher, Recorder
from dwcp.telemetry.sinks import ParquetSink

_spec = spec_from_file_location("serving_world", Path(__file__).parents[1] / "conftest.py")
toys = sys.modules[_spec.name] = module_from_spec(_spec)
_spec.loader.exec_module(toys)

NOW = 1_800_000_100.0
DAY_S = 86_400.0


class ToyBandwidth(toys.ToyTask):
    name = "bandwidth"


class Served:
    """An advisor with two tasks, a champion each, one with a challenger beside; and what is told of it."""

    def __init__(self, root: Path) -> None:
        self.world = toys.World(root / "registry")
        self.root = root
        self.bandwidth = ToyBandwidth(input_spec=replace(toys.SPEC, task="bandwidth"))
        self.advisor = LocalAdvisor(
            [self.world.task, self.bandwidth],
            self.world.registry,
            open_graph=self.world.open_graph,
            clock=self.world.clock,
        )
        self._publish()
        self.judgements = Judgements(self.advisor.slots())
        self.forecasts = Forecasts()
        self.now = NOW
        self.observed = Observed(
            self.advisor,
            self.judgements,
            self.forecasts,
            registry=self.world.registry,
            rollouts=lambda: [
                RolloutView("toy", "default", "1.1.0", Stage.CANARY_5, NOW - 7200, "every gate passes")
            ],
            experiments=self.experiments,
            drifts=lambda: [DriftView("toy", "input", "x", 0.4), DriftView("toy", "outcome", "regret", 1.2)],
            telemetry=root / "telemetry",
            store=self.store,
            clock=lambda: self.now,
            steady_clock=count(0.0, 100.0).__next__,
        )

    def load(self) -> "Served":
        """Let it have been busy for a day."""
        for index in range(40):
            self.ask(index)
        self._judge()
        self._forecast()
        self._record()
        return self

    def ask(self, index: int = 0) -> None:
        """Ask each task once, and make one of the answers a failure now and then."""
        self.world.clock.now += 1.0
        for name in ("toy", "bandwidth"):
            fault = self.world.fail if index % 10 == 9 else None
            self.graphs[name].fault = fault
            self.advisor.ask(name, toys.ToyContext(x=float(index % 100)))
        self.advisor.ask("no such task", None)

    @staticmethod
    def get(routes: Sequence[Any], path: str, headers: Mapping[str, str] | None = None) -> Any:
        """The answer of an application of these routes to one request."""
        import httpx
        from starlette.applications import Starlette

        async def asked() -> httpx.Response:
            wire = httpx.ASGITransport(Starlette(routes=list(routes)))
            async with httpx.AsyncClient(transport=wire, base_url="http://server") as client:
                return await client.get(path, headers=headers)

        return asyncio.run(asked())

    def close(self) -> None:
        self.advisor.close()

    def _publish(self) -> None:
        registry, self.graphs = self.world.registry, {}
        for name, published_s in (("toy", NOW - 2 * DAY_S), ("bandwidth", NOW - 9 * DAY_S)):
            draft = self.world.draft()
            if name == "bandwidth":
                inputs = self.bandwidth.arrays([toys.ToyContext(5.0)])
                golden = Golden(inputs, toys.MemoryGraph(draft.model).run(inputs))
                draft = self.world.draft(input_spec=self.bandwidth.input_spec, golden=golden)
            version = registry.publish(draft, now=published_s, who="test").version
            registry.promote(name, version, now=published_s, who="test", why="test")
            self.advisor.load(name)
            self.graphs[name] = self.world.graphs[-1]
        better = registry.publish(self.world.draft((0, 60, 110)), now=NOW - 3600, who="test").version
        registry.promote("toy", better, "challenger", now=NOW - 3600, who="test", why="test")
        self.advisor.load_beside("toy", "challenger")

    def _judge(self) -> None:
        rng = Random(1)
        for slot in range(288):
            at_s = NOW - DAY_S + 300.0 * (slot + 1) - 1.0
            for index in range(16):
                name, control = ("toy", "bandwidth")[index % 2], index % 4 > 1
                right = rng.random() < (0.86 if control else 0.95 + 0.03 * sin(slot / 30))
                moved = rng.gauss(400 if control else 470, 20)
                verdict = Verdict(right, rng.expovariate(4 if control else 12), moved)
                self.judgements.add(name, "1.0.0", verdict, control=control, now=at_s)

    def _forecast(self) -> None:
        rng = Random(2)
        for index in range(90):
            mid = 480 + 120 * sin(index / 9)
            told = Quantiles(mid * 0.82, mid, mid * 1.15)
            action = Action(told, told, 0.91, 20.0, 1.0, 0.0)
            step = Step(max(0.0, rng.gauss(mid, 35)), 20 + rng.random(), 1 + rng.random(), 0.001)
            context = Context((step,), 1.0, NOW - 90 + index, "lab to store")
            self.forecasts.observe(context, action, Outcome((step,)), NOW - 89 + index)

    def _record(self) -> None:
        recorder = Recorder(ParquetSink(self.root / "telemetry"), IdentifierHasher(b"k" * 32))
        node = {"node_id": "a", "peer_id": "b"}
        for index in range(3):
            fields: dict[str, Any] = {
                **(node | {"stream_index": index, "amst_streams": 3, "rtt_ms": 20.0 + index}),
                **{"jitter_ms": 1.0, "packet_loss": 0.001, "retransmits": 1, "congestion_window": 90},
                **{"transfer_rate_mbps": 100.0, "throughput_mbps": 250.0, "stream_utilization": 0.9},
            }
            recorder.record("stream", int((NOW - 70) * 1e9), fields | {"transfer_rate_mbps": 5.0})
            recorder.record("stream", int((NOW - 60) * 1e9), fields)
            recorder.record("stream", int((NOW - 9000) * 1e9), fields | {"transfer_rate_mbps": 9e3})
        change = node | {"amst_streams": 3, "stream_event": "opened", "stream_reason": "probing"}
        recorder.record("stream_change", int((NOW - 60) * 1e9), change)
        for codec, plain, stored in (("zstd", 4000, 1000), ("zstd", 4000, 1500), ("delta", 2000, 500)):
            fields = {"node_id": "a", "codec": codec, "block_bytes": plain, "stored_bytes": stored}
            recorder.record("compression", int((NOW - 60) * 1e9), fields | {"compress_ms": 2.0})
        recorder.flush(NOW)
        assert not recorder.stats().refused

    @staticmethod
    def store() -> StoreStats:
        codecs = (CodecTotals("delta", 20, 2_000_000, 90_000), CodecTotals("zstd", 180, 9_000_000, 4_000_000))
        return StoreStats(5, 3, 4_200_000, 190, 10, 20, 11_000_000, 4_090_000, codecs)

    @staticmethod
    def experiments() -> list[ExperimentView]:
        arms = [ArmView("control", 1204), ArmView("model", 1187, "throughput +63 Mbit/s (+41 to +85)")]
        why = "model is better by throughput, and 1 guardrail kept"
        return [ExperimentView("model-or-rule", "running", 0.5, "throughput_mbps", arms, "rollout", why)]
