import msgspec
import pytest

from dwcp.errors import InputError
from dwcp.safety.rollout import (
    STAGES,
    Arm,
    Event,
    Measurement,
    Metric,
    Stage,
    Start,
    Verdict,
    usual_plan,
)

UNITS = [f"link-{number}" for number in range(4000)]
FAILED = Measurement(answered=False, latency_ms=1.0)


def share(driver, region="default") -> float:
    return sum(driver.rollout.arm(unit, region).arm is Arm.CANDIDATE for unit in UNITS) / len(UNITS)


def test_without_a_rollout_everybody_gets_control(driver):
    got = driver.rollout.arm("a")
    assert (got.arm, got.shadowed, got.visit) == (Arm.CONTROL, False, 0)
    driver.rollout.record(got, Arm.CONTROL, driver.GOOD)
    assert driver.tick() == ()


def test_a_good_candidate_goes_through_every_stage_and_is_promoted(driver):
    driver.start()
    seen = []
    while driver.stage() is not Stage.COMPLETE:
        seen.append((driver.stage(), round(share(driver), 2)))
        (moved,) = driver.pass_stage()
        assert (moved.event, moved.from_stage) == (Event.PASSED, seen[-1][0])
    assert [stage for stage, _ in seen] == list(STAGES)
    assert [part for _, part in seen] == pytest.approx([0, 0.05, 0.25, 0.5, 0.75, 1], abs=0.02)
    assert driver.rollout.state.complete
    assert share(driver) == 1
    assert driver.rollout.standings(driver.now)["default"].waits == ()
    (entry,) = driver.rollout.promoted(now=driver.now, who="ann", why="complete")
    assert entry.event is Event.PROMOTED
    assert driver.rollout.standings(driver.now)["default"].waits == ()
    assert not driver.rollout.state.active
    assert share(driver) == 0, "the champion is the candidate now"


def test_in_shadow_the_candidate_is_asked_and_never_used(driver):
    driver.start()
    assert all(driver.rollout.arm(unit).shadowed for unit in UNITS)
    assert share(driver) == 0
    driver.reach(Stage.CANARY_5)
    assert not any(driver.rollout.arm(unit).shadowed for unit in UNITS)


def test_who_is_in_stays_in(driver):
    driver.start()
    inside: set[str] = set()
    for stage in STAGES:
        driver.reach(stage)
        now_inside = {unit for unit in UNITS if driver.rollout.arm(unit).arm is Arm.CANDIDATE}
        assert inside <= now_inside
        inside = now_inside


BAD = [
    (FAILED, "error rate 1 over"),
    (Measurement(answered=True, latency_ms=40.0), "p99 latency in ms 41.5 over"),
    (Measurement(answered=True, correct=False), "accuracy 0 over"),
    (Measurement(answered=True, regret=9.0), "mean regret 9 over"),
    (Measurement(answered=True, throughput_mbps=50.0), "throughput over control 0.5 over"),
]


@pytest.mark.parametrize("stage", [*STAGES, Stage.COMPLETE])
@pytest.mark.parametrize(("bad", "words"), BAD, ids=[words for _, words in BAD])
def test_a_bad_candidate_is_rolled_back_at_every_stage_with_what_was_measured(stage, bad, words, driver):
    driver.start()
    driver.reach(stage)
    driver.feed(bad, 120)
    if stage is Stage.SHADOW and bad.throughput_mbps:
        assert driver.tick(1.0) == (), "nothing is done with a shadow's answers"
        return
    (moved,) = driver.tick(1.0)
    assert (moved.event, moved.to_stage) == (Event.BREACHED, Stage.ROLLED_BACK)
    assert f"{words} 120 decisions at {stage.words}, limit" in moved.why
    assert any(found.verdict is Verdict.FAIL for found in moved.measured)
    assert share(driver) == 0
    assert not driver.rollout.state.active


def test_the_reason_reads_as_a_person_would_say_it(driver):
    driver.start(driver.plan_of(metrics=[Metric.ERROR_RATE]))
    driver.reach(Stage.CANARY_5)
    driver.feed(driver.GOOD, 350)
    driver.feed(FAILED, 62)
    (moved,) = driver.tick(1.0)
    assert moved.why == "error rate 0.15 over 412 decisions at canary 5%, limit 0.05"


def test_a_bad_candidate_is_rolled_back_while_a_person_is_waited_for(driver):
    driver.start(driver.plan_of(approvals=STAGES))
    driver.feed()
    assert driver.tick(driver.HOLD_S) == ()
    assert driver.rollout.standings(driver.now)["default"].for_approval
    driver.feed(FAILED, 120)
    (moved,) = driver.tick(1.0)
    assert moved.event is Event.BREACHED


def test_a_long_good_past_does_not_hide_a_bad_present(driver):
    driver.start(driver.plan_of(metrics=[Metric.ERROR_RATE]))
    driver.reach(Stage.SHARE_50)
    driver.feed(driver.GOOD, 20_000)
    driver.tick(60.0)
    driver.feed(driver.GOOD, 200)
    assert driver.tick(1200.0) == ()
    driver.feed(FAILED, 100)
    (moved,) = driver.tick(60.0)
    assert "error rate 0.333 over the last 300 decisions at 50%, limit 0.05" in moved.why


def test_too_little_data_moves_nothing(driver):
    driver.start()
    driver.feed(count=99)
    assert driver.tick(10 * driver.HOLD_S) == ()
    standing = driver.rollout.standings(driver.now)["default"]
    assert {found.verdict for found in standing.findings} == {Verdict.INCONCLUSIVE}
    assert standing.waits[0] == "101 more decisions"


def test_the_first_few_failures_decide_nothing_and_the_next_one_does(driver):
    driver.start(driver.plan_of(metrics=[Metric.ERROR_RATE]))
    driver.feed(FAILED, 19)
    assert driver.tick(10 * driver.HOLD_S) == ()
    driver.feed(FAILED, 1)
    (moved,) = driver.tick(1.0)
    assert moved.event is Event.BREACHED


def test_neither_time_nor_samples_alone_end_a_hold(driver):
    driver.start()
    driver.feed()
    assert driver.tick(driver.HOLD_S - 1) == ()
    assert driver.rollout.standings(driver.now)["default"].waits == ("1 s of its hold",)
    assert driver.tick(1.0)
    driver.feed(count=driver.SAMPLES - 1)
    assert driver.tick(driver.HOLD_S) == ()
    driver.feed(count=1)
    assert driver.tick()


def test_a_clock_that_steps_back_shortens_no_hold(driver):
    driver.start()
    driver.feed()
    assert driver.tick(-1e6) == ()
    assert driver.tick(1e6) == ()
    assert driver.tick(driver.HOLD_S)


def test_samples_of_a_stage_do_not_count_in_the_next(driver):
    driver.start()
    late = driver.rollout.arm("a")
    driver.pass_stage()
    for _ in range(500):
        driver.rollout.record(late, Arm.CANDIDATE, FAILED)
    driver.feed()
    (moved,) = driver.tick(driver.HOLD_S)
    assert (moved.event, moved.from_stage) == (Event.PASSED, Stage.CANARY_5)


def test_at_full_share_the_control_of_the_stage_before_is_held_against(driver):
    driver.start(driver.plan_of(metrics=[Metric.THROUGHPUT_RATIO, Metric.ERROR_RATE]))
    driver.reach(Stage.SHARE_100)
    assert driver.rollout.state.regions["default"].baseline.throughput_mbps.mean == 100.0
    driver.feed(Measurement(answered=True, throughput_mbps=80.0))
    (moved,) = driver.tick(1.0)
    assert "throughput over control 0.8" in moved.why


def test_approval_is_asked_for_and_moves_on(driver):
    driver.start(driver.plan_of(approvals=[Stage.SHADOW]))
    with pytest.raises(InputError, match=r"does not wait for approval; it waits for: 1\.0 h|60\.0 min"):
        driver.order("approve")
    driver.feed()
    driver.tick(driver.HOLD_S)
    (moved,) = driver.order("approve", who="bob")
    assert (moved.event, moved.who, driver.stage()) == (Event.APPROVED, "bob", Stage.CANARY_5)


def test_a_person_may_go_ahead_of_the_hold_but_not_past_a_failing_gate(driver):
    driver.start()
    (moved,) = driver.order("advance")
    assert (moved.event, driver.stage()) == (Event.ADVANCED, Stage.CANARY_5)
    driver.feed(FAILED, 120)
    driver.rollout._samples.settle(0)
    with pytest.raises(InputError, match="does not go forward: error rate"):
        driver.order("advance")


def test_a_person_may_roll_back_at_any_time_and_only_a_new_start_begins_again(driver):
    driver.start()
    driver.reach(Stage.SHARE_25)
    (moved,) = driver.order("withdraw", why="complaints")
    assert (moved.event, moved.why, driver.stage()) == (Event.WITHDRAWN, "complaints", Stage.ROLLED_BACK)
    assert driver.pass_or_nothing() == ()
    for order in ("advance", "approve", "withdraw"):
        with pytest.raises(InputError, match="nothing is being rolled out"):
            driver.order(order)
    driver.start(candidate="1.2.0")
    assert driver.stage() is Stage.SHADOW
    assert driver.rollout.history()[0].start.candidate == "1.1.0"


def test_one_rollout_of_a_task_at_a_time(driver):
    driver.start()
    with pytest.raises(InputError, match=r"1\.1\.0 is being rolled out already"):
        driver.start(candidate="1.2.0")


def test_what_is_not_complete_is_not_promoted(driver):
    driver.start()
    with pytest.raises(InputError, match="not complete in every region: default at shadow"):
        driver.rollout.promoted(now=driver.now, who="ann", why="x")


def waves(driver, **changes):
    driver.start(driver.plan_of(waves=(("eu",), ("us", "asia")), **changes))
    return driver


def test_a_wave_begins_when_the_one_before_is_complete(driver):
    waves(driver)
    assert [driver.stage(name) for name in ("eu", "us", "asia")] == [
        Stage.SHADOW,
        Stage.PENDING,
        Stage.PENDING,
    ]
    assert driver.rollout.standings(driver.now)["us"].waits == ("an earlier region is not complete",)
    for _ in range(6):
        assert not driver.rollout.arm("a", "us").shadowed
        driver.pass_stage("eu")
    assert driver.stage("eu") is Stage.COMPLETE
    opened = driver.tick(1.0)
    assert {(entry.event, entry.region) for entry in opened} == {(Event.OPENED, "us"), (Event.OPENED, "asia")}
    driver.pass_stage("us")
    assert (driver.stage("us"), driver.stage("asia")) == (Stage.CANARY_5, Stage.SHADOW)
    assert driver.rollout.arm("a", "elsewhere").visit == 0


def test_a_breach_in_one_region_takes_all_back_with_the_same_reason(driver):
    waves(driver)
    for _ in range(6):
        driver.pass_stage("eu")
    driver.tick(1.0)
    driver.feed(FAILED, 120, "us")
    moved = {entry.region: entry for entry in driver.tick(1.0)}
    assert set(moved) == {"eu", "us", "asia"}
    assert moved["us"].why.startswith("error rate 1 over 120 decisions at shadow")
    assert moved["eu"].why.startswith("in us: error rate 1 over")
    assert share(driver, "eu") == 0


def test_or_that_region_alone_where_the_plan_says_so(driver):
    waves(driver, rollback="region")
    for _ in range(6):
        driver.pass_stage("eu")
    driver.tick(1.0)
    driver.feed(FAILED, 120, "us")
    assert [entry.region for entry in driver.tick(1.0)] == ["us"]
    assert share(driver, "eu") == 1
    with pytest.raises(InputError, match="name the region: eu, us, asia"):
        driver.order("advance")
    with pytest.raises(InputError, match="no region 'mars'"):
        driver.order("advance", "mars")
    with pytest.raises(InputError, match="us is rolled back: there is no stage"):
        driver.order("advance", "us")
    assert driver.order("advance", "asia")
    assert len(driver.order("withdraw")) == 2


@pytest.mark.parametrize("metric", Metric)
def test_a_gate_without_its_metric_is_refused_before_anything_starts(metric, driver):
    start = Start("1.1.0", None, driver.plan_of(metrics=[metric, Metric.ERROR_RATE]))
    measured = set(Metric) - {metric, Metric.ERROR_RATE}
    with pytest.raises(InputError, match=f"gated on ({metric}|error_rate), which this task does not measure"):
        driver.rollout.start(start, measured, now=0.0, who="ann", why="x")
    assert driver.rollout.state is None
    assert driver.rollout.history() == ()


def changed(plan, stage=Stage.SHADOW, **changes):
    terms = msgspec.structs.replace(plan.stages[stage], **changes)
    return msgspec.structs.replace(plan, stages=dict(plan.stages) | {stage: terms})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda plan: changed(plan, gates=()), "shadow has no gate"),
        (lambda plan: changed(plan, gates=plan.stages[Stage.SHARE_25].gates), "shadow's answers"),
        (lambda plan: changed(plan, hold_s=-1.0), "hold of 0 seconds or more"),
        (lambda plan: changed(plan, samples=0), "a sample or more"),
        (lambda plan: msgspec.structs.replace(plan, waves=()), "a region in every wave"),
        (lambda plan: msgspec.structs.replace(plan, waves=(("eu",), ("eu",))), "named 2 times"),
        (lambda plan: msgspec.structs.replace(plan, waves=((" ",),)), "not the name of a region"),
        (lambda plan: msgspec.structs.replace(plan, stages={}), "exactly these stages: shadow, canary_5"),
        (lambda plan: msgspec.structs.replace(plan, level=1.0), "a level between"),
    ],
)
def test_a_plan_that_cannot_be_carried_out_is_refused(change, words, driver):
    with pytest.raises(InputError, match=words):
        driver.start(change(driver.plan_of()))
    assert driver.rollout.state is None


def test_the_usual_plan_gates_what_is_measured():
    measured = {Metric.ACCURACY, Metric.ERROR_RATE, Metric.THROUGHPUT_RATIO}
    plan = usual_plan(measured, approvals=[Stage.SHADOW], limits={Metric.ACCURACY: 0.9})
    plan.check(measured)
    assert [gate.metric for gate in plan.stages[Stage.SHADOW].gates] == ["accuracy", "error_rate"]
    assert [gate.limit for gate in plan.stages[Stage.SHARE_50].gates] == [0.9, 0.05, 0.95]
    assert plan.stages[Stage.SHADOW].approval
    with pytest.raises(InputError, match="gated on accuracy"):
        plan.check({Metric.ERROR_RATE})
    assert usual_plan(measured).stages[Stage.SHADOW].gates[0].limit == 0.95
