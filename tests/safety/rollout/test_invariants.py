"""Whatever happens in whatever order, some things never do."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dwcp.errors import InputError
from dwcp.safety.rollout import (
    STAGES,
    TRANSITIONS,
    Arm,
    Event,
    KillSwitches,
    Measurement,
    Metric,
    Rollout,
    RolloutGate,
    RolloutPlan,
    Stage,
    StageTerms,
    Start,
    Verdict,
)

GATES = (RolloutGate(Metric.ERROR_RATE, 0.05, 40, 20), RolloutGate(Metric.ACCURACY, 0.95, 40, 20))
REGIONS = ("eu", "us")
UNITS = [f"unit-{number}" for number in range(40)]
ORDER = [Stage.PENDING, *STAGES, Stage.COMPLETE]


class RolloutMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.home = Path(self.folder.name)
        self.now = 1e9
        self.seen = 0
        self.candidate = 0
        self.rollout = Rollout(self.home, "compression")
        self.inside: dict[tuple[int, str], set[str]] = {}

    def teardown(self) -> None:
        self.rollout.close()
        self.folder.cleanup()

    @initialize(rollback=st.sampled_from(["region", "all"]), asked=st.sampled_from([(), (Stage.SHARE_25,)]))
    def lay_a_plan(self, rollback, asked) -> None:
        stages = {stage: StageTerms(100.0, 40, GATES, stage in asked) for stage in STAGES}
        self.plan = RolloutPlan(stages=stages, waves=(("eu",), ("us",)), rollback=rollback)
        self.begin()

    @rule()
    def begin(self) -> None:
        active = self.rollout.state is not None and self.rollout.state.active
        start = Start(f"1.{self.candidate + 1}.0", None, self.plan)
        if active:
            with pytest.raises(InputError):
                self.rollout.start(start, set(Metric), now=self.now, who="ann", why="x")
        else:
            self.candidate += 1
            self.rollout.start(start, set(Metric), now=self.now, who="ann", why="x")

    @rule(region=st.sampled_from(REGIONS), count=st.sampled_from([1, 19, 45]), kind=st.sampled_from("gggbwo"))
    def measure(self, region, count, kind) -> None:
        for number in range(count):
            bad = kind == "b" or (kind == "o" and number % 15 == 0)
            one = Measurement(answered=not bad, latency_ms=1.0, correct=kind != "w")
            self.rollout.record(self.rollout.arm("unit-0", region), Arm.CANDIDATE, one)

    @rule(after_s=st.sampled_from([0.0, 1.0, 99.0, 101.0, 5000.0, -50.0]))
    def tick(self, after_s) -> None:
        self.now += after_s
        self.rollout.tick(self.now)
        assert not self.rollout.fault

    @rule(
        name=st.sampled_from(["approve", "advance", "advance", "withdraw"]),
        region=st.sampled_from([*REGIONS, None]),
    )
    def order(self, name, region) -> None:
        if name == "withdraw" and self.now % 3:
            return
        try:
            getattr(self.rollout, name)(region, now=self.now, who="bob", why="x")
        except InputError:
            assert name != "withdraw" or region is not None or not self.rollout.state.active

    @rule(task=st.sampled_from(["compression", None]))
    def kill_or_revive(self, task) -> None:
        switches = KillSwitches(self.home)
        try:
            switches.release(task, now=self.now, who="ann", why="x")
        except InputError:
            switches.engage(task, now=self.now, who="ann", why="x")
        self.rollout.poll()

    @precondition(lambda self: self.rollout.state and self.rollout.state.complete)
    @rule()
    def promote(self) -> None:
        if self.rollout.state.active:
            self.rollout.promoted(now=self.now, who="ann", why="x")

    @rule()
    def restart(self) -> None:
        self.rollout.tick(self.now)
        before = self.rollout.state, self.rollout.standings(self.now)
        self.rollout.close()
        self.rollout = Rollout(self.home, "compression")
        self.rollout.tick(self.now)
        assert (self.rollout.state, self.rollout.standings(self.now)) == before

    @invariant()
    def nobody_gets_the_candidate_beyond_the_share(self) -> None:
        state = self.rollout.state
        for region in REGIONS:
            inside = {unit for unit in UNITS if self.rollout.arm(unit, region).arm is Arm.CANDIDATE}
            stage = state.regions[region].stage if state else Stage.PENDING
            asked = state is not None and state.active and not self.rollout.killed
            for unit in inside:
                assert asked
                assert self.rollout._lanes[region].buckets.of(unit) < stage.percent * 100
            if asked and stage is not Stage.ROLLED_BACK:
                before = self.inside.get((self.candidate, region), set())
                assert before <= inside
                self.inside[self.candidate, region] = inside
            if stage.percent == 0:
                assert not inside

    @invariant()
    def every_new_line_of_the_journal_is_a_move_that_may_be_made(self) -> None:
        entries = self.rollout.history()
        for entry in entries[self.seen :]:
            if entry.region is None:
                assert entry.event in (Event.STARTED, Event.PROMOTED)
                continue
            assert TRANSITIONS[entry.from_stage][entry.event] is entry.to_stage
            if entry.to_stage is not Stage.ROLLED_BACK:
                assert ORDER.index(entry.to_stage) == ORDER.index(entry.from_stage) + 1
            verdicts = {found.verdict for found in entry.measured}
            if entry.event in (Event.PASSED, Event.APPROVED):
                assert verdicts == {Verdict.PASS}
            if entry.event is Event.ADVANCED:
                assert Verdict.FAIL not in verdicts
            if entry.event is Event.BREACHED:
                assert "limit" in entry.why
        self.seen = len(entries)


TestRollout = RolloutMachine.TestCase
TestRollout.settings = settings(max_examples=15, stateful_step_count=40)
