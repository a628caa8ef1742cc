import json

import pytest

from dwcp.cli.late_commands import COMMANDS
from dwcp.errors import InputError
from dwcp.safety.rollout import Arm, Measurement, Metric, Rollout, Stage, Start, usual_plan

TASK = "compression"
WHY = ("--why", "because")


@pytest.fixture(autouse=True)
def _there(monkeypatch):
    monkeypatch.setitem(COMMANDS, "rollout", "dwcp.cli.rollout")


@pytest.fixture
def begun(home) -> Rollout:
    """A server's rollout of 1.1.0 in two regions, with a yes wanted after shadow."""
    measured = set(Metric)
    plan = usual_plan(
        measured, waves=(("eu",), ("us",)), hold_s=0.0, samples=1, approvals=[Stage.SHADOW], limits={}
    )
    serving = Rollout(home, TASK)
    serving.start(Start("1.1.0", None, plan), measured, now=1e9, who="server", why="better")
    return serving


def measure(serving, count=300, answered=True) -> None:
    given = serving.arm("a", "eu")
    one = Measurement(answered=answered, latency_ms=1.0, correct=True, regret=0.0, throughput_mbps=9.0)
    for _ in range(count):
        for arm in Arm:
            serving.record(given, arm, one)
    serving.tick(1e9 + 1)


def test_nothing_is_no_error_to_look_at(run):
    assert "nothing was rolled out" in run("rollout", "status").out
    assert json.loads(run("rollout", "status", "--json").out) == []
    assert "was never rolled out" in run("rollout", "history", TASK).out
    assert json.loads(run("rollout", "history", TASK, "--json").out) == []


@pytest.mark.parametrize("verb", ["approve", "advance", "rollback"])
def test_orders_need_a_rollout_and_a_reason(verb, run):
    done = run("rollout", verb, TASK, *WHY)
    assert "nothing is being rolled out for compression" in done.sentence
    assert done.status == 2
    assert "--why needs a reason" in run("rollout", verb, TASK, "--why", " ").sentence
    assert "not the name of a task" in run("rollout", verb, "../x", *WHY).sentence


def test_status_says_what_each_region_waits_for(begun, run):
    measure(begun, 3)
    told = run("rollout", "status").out
    assert "1.1.0" in told
    assert "the rule" in told
    assert "an earlier region is not complete" in told
    assert "accuracy 1 over 3 decisions, inconclusive" in told
    (shown,) = json.loads(run("rollout", "status", TASK, "--json").out)
    assert (shown["candidate"], shown["control"], shown["active"]) == ("1.1.0", None, True)
    assert [(one["region"], one["stage"]) for one in shown["regions"]] == [
        ("eu", "shadow"),
        ("us", "pending"),
    ]
    assert {gate["verdict"] for gate in shown["regions"][0]["gates"]} == {"inconclusive"}


def test_status_of_a_complete_region_waits_for_nothing(begun, run):
    for _ in range(6):
        run("rollout", "advance", TASK, "--region", "eu", *WHY)
    told = run("rollout", "status").out
    [complete] = [line for line in told.splitlines() if " complete " in line]
    assert " eu " in complete
    assert complete.split()[-1] == "because"
    (shown,) = json.loads(run("rollout", "status", TASK, "--json").out)
    assert [(one["stage"], bool(one["waits"])) for one in shown["regions"]] == [
        ("complete", False),
        ("pending", False),
    ]
    assert "eu is complete" in run("rollout", "advance", TASK, "--region", "eu", *WHY).sentence


def test_approve_advance_roll_back_and_look_at_it(begun, run):
    assert "does not wait for approval" in run("rollout", "approve", TASK, "--region", "eu", *WHY).sentence
    measure(begun)
    done = run("rollout", "approve", TASK, "--region", "eu", *WHY)
    assert done.out == "compression in eu: shadow to canary 5% (approved: because)\n"
    assert "name the region: eu, us" in run("rollout", "advance", TASK, *WHY).sentence
    moved = json.loads(run("rollout", "advance", TASK, "--region", "eu", "--json", *WHY).out)
    assert [(one["event"], one["to"]) for one in moved] == [("advanced", "share_25")]
    assert "eu: 25% to rolled back" in run("rollout", "rollback", TASK, *WHY).out
    begun.poll()
    assert begun.arm("a", "eu").visit == 0
    events = [line["event"] for line in json.loads(run("rollout", "history", TASK, "--json").out)]
    assert events == ["started", "opened", "approved", "advanced", "withdrawn", "withdrawn"]
    assert "started 1.1.0" in run("rollout", "history", TASK).out


def test_what_failed_is_in_the_history(begun, run):
    measure(begun, answered=False)
    assert "error rate 1 over 300 decisions at shadow, limit 0.05" in run("rollout", "history", TASK).out


def test_kill_and_revive_reach_every_process(begun, run):
    assert run("rollout", "kill", TASK, *WHY).out == "no model of compression is asked\n"
    begun.poll()
    assert "because" in begun.killed
    assert "no model is asked: kill switch of compression" in run("rollout", "status").err
    assert "while a kill switch" in run("rollout", "advance", TASK, "--region", "eu", *WHY).sentence
    assert json.loads(run("rollout", "revive", TASK, "--json").out)["engaged"] is False
    begun.poll()
    assert begun.killed is None
    assert run("rollout", "kill", "--all").out == "no model of any task is asked\n"
    assert "held by another" in run("rollout", "revive", TASK).sentence
    assert run("rollout", "revive", "--all").status == 0


@pytest.mark.parametrize(
    ("words", "sentence"), [([], "name one task"), ([TASK, "--all"], "name one task"), (["x"], "no task 'x'")]
)
def test_a_switch_that_would_stop_nothing_is_refused(words, sentence, run):
    for verb in ("kill", "revive"):
        done = run("rollout", verb, *words)
        assert sentence in done.sentence
        assert done.status == 2


def test_a_switch_can_be_pulled_whatever_the_flags_say(home, run):
    home.mkdir()
    (home / "flags.json").write_text('{"forceV1Mode": 1}')
    assert "forceV1Mode must be true or false" in run("rollout", "status", TASK).sentence
    assert run("rollout", "kill", TASK).status == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--limit", "speed=3"], "write METRIC=NUMBER, with one of accuracy"),
        (["--limit", "accuracy=x"], "write METRIC=NUMBER"),
        (["--approve-after", "shadow,dusk"], "'dusk' is not a stage"),
        (["--rollback", "some"], "all or region"),
        (["--why", ""], "--why needs a reason"),
    ],
)
def test_options_that_mean_nothing_are_one_sentence(words, sentence, run):
    done = run("rollout", "start", TASK, *WHY, *words)
    assert sentence in done.sentence
    assert done.status == 2


def test_options_make_the_plan():
    from dwcp.cli.rollout_plan import measured_by, plan_of

    usual = {"waves": (), "hold_hours": 2.0, "samples": 5, "approve_after": "all", "limits": ()}
    plan = plan_of("bandwidth", **(usual | {"waves": ["eu", "us, asia"]}), rollback="region")
    assert plan.waves == (("eu",), ("us", "asia"))
    assert all(terms.approval and terms.hold_s == 7200.0 for terms in plan.stages.values())
    plan.check(measured_by("bandwidth"))
    plan = plan_of("bandwidth", **(usual | {"limits": ["throughput_ratio=1.1"]}), rollback="all")
    with pytest.raises(InputError, match="throughput_ratio, which this task does not measure"):
        plan.check(measured_by("bandwidth"))
    assert Metric.THROUGHPUT_RATIO in measured_by("compression")
    assert Metric.ACCURACY not in measured_by("compression")


@pytest.mark.train
def test_from_start_to_champion(with_model, run):
    assert "other than the control, 1.0.0" in run("rollout", "start", TASK, "1.0.0", *WHY).sentence
    run("models", "rollback", TASK, *WHY)
    started = run("rollout", "start", TASK, "1.0.0", *WHY)
    assert started.out.splitlines() == [
        "compression: started",
        "compression in default: pending to shadow (opened: its turn has come)",
    ]
    for _ in range(6):
        assert run("rollout", "advance", TASK, *WHY).status == 0
    assert "dwcp rollout approve compression makes it the champion" in run("rollout", "status").err
    assert "champion of compression is now 1.0.0" in run("rollout", "approve", TASK, *WHY).out
    shown = json.loads(run("models", "show", TASK, "champion", "--json").out)
    assert shown["version"] == "1.0.0"
    assert json.loads(run("rollout", "status", "--json").out)[0]["promoted"]
