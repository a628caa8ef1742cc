"""A rollout on a made-up clock, fed with made-up measurements."""

from pathlib import Path

import pytest

from dwcp.safety.rollout import (
    DEFAULT_REGION,
    STAGES,
    Arm,
    Measurement,
    Metric,
    Rollout,
    RolloutGate,
    RolloutPlan,
    Stage,
    StageTerms,
    Start,
)

MEASURED = frozenset(Metric)
GOOD = Measurement(answered=True, latency_ms=1.0, correct=True, regret=0.1, throughput_mbps=110.0)
CONTROL = Measurement(answered=True, latency_ms=1.0, correct=True, regret=0.2, throughput_mbps=100.0)
HOLD_S = 3600.0
SAMPLES = 200


def plan_of(**changes) -> RolloutPlan:
    """Every metric gated at every stage where it can be; an hour and 200 decisions a stage."""
    approvals = changes.pop("approvals", ())
    metrics = changes.pop("metrics", Metric)
    limits = {
        Metric.ACCURACY: 0.95,
        Metric.ERROR_RATE: 0.05,
        Metric.LATENCY_P99_MS: 15.0,
        Metric.REGRET: 0.5,
        Metric.REGRET_OVER_CONTROL: 0.0,
        Metric.THROUGHPUT_RATIO: 0.95,
    }
    gates = tuple(RolloutGate(metric, limits[metric], samples=100, breach_samples=20) for metric in metrics)
    stages = {
        stage: StageTerms(
            HOLD_S,
            SAMPLES,
            tuple(
                gate
                for gate in gates
                if stage is not Stage.SHADOW or gate.metric is not Metric.THROUGHPUT_RATIO
            ),
            stage in approvals,
        )
        for stage in STAGES
    }
    return RolloutPlan(stages=stages, **changes)


class Driver:
    """One process: a rollout with its clock."""

    GOOD = GOOD
    CONTROL = CONTROL
    HOLD_S = HOLD_S
    SAMPLES = SAMPLES
    MEASURED = MEASURED
    plan_of = staticmethod(plan_of)

    def __init__(self, home: Path, now: float = 1e9, **settings) -> None:
        self.home = home
        self.now = now
        self.rollout = Rollout(home, "compression", **settings)

    def start(self, plan: RolloutPlan | None = None, candidate: str = "1.1.0"):
        start = Start(candidate, "1.0.0", plan or plan_of())
        return self.rollout.start(start, MEASURED, now=self.now, who="ann", why="it is better")

    def stage(self, region: str = DEFAULT_REGION) -> Stage:
        return self.rollout.state.regions[region].stage

    def feed(
        self,
        candidate: Measurement = GOOD,
        count: int = SAMPLES,
        region: str = DEFAULT_REGION,
        control: Measurement = CONTROL,
    ) -> None:
        """As many measurements of each arm that the stage has."""
        lane = self.rollout._lanes[region]
        for _ in range(count):
            self.rollout.record(lane.candidate, Arm.CANDIDATE, candidate)
            if lane.below < 10_000:
                self.rollout.record(lane.control, Arm.CONTROL, control)

    def tick(self, after_s: float = 0.0):
        self.now += after_s
        return self.rollout.tick(self.now)

    def pass_stage(self, region: str = DEFAULT_REGION):
        self.feed(region=region)
        return self.tick(HOLD_S)

    def pass_or_nothing(self):
        """As `pass_stage`, where nobody may be asked any more."""
        for number in range(SAMPLES):
            self.rollout.record(self.rollout.arm(f"unit-{number}"), Arm.CANDIDATE, GOOD)
        return self.tick(HOLD_S)

    def reach(self, stage: Stage) -> "Driver":
        """Go on to a stage by passing those before it."""
        for _ in range(10):
            if self.stage() is stage:
                return self
            self.pass_stage()
        raise AssertionError(f"{stage} was not reached")

    def order(self, name: str, region: str | None = None, who: str = "bob", why: str = "so"):
        return getattr(self.rollout, name)(region, now=self.now, who=who, why=why)


@pytest.fixture
def driver(tmp_path: Path) -> Driver:
    return Driver(tmp_path)


@pytest.fixture
def another(driver: Driver):
    """Another process with the same home, or the same one after a restart."""

    def begin(**settings) -> Driver:
        return Driver(driver.home, driver.now, **settings)

    return begin
