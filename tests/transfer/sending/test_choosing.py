"""Which codec is chosen, on a simulated link: near the best, whatever the estimate or an advisor says."""

from statistics import mean

import pytest
from sending_peer import FakeLink, words
from sending_simulation import KINDS, PACKED, PROSE, SOURCE, TABLES, Adviser, Simulation, always, at_random

from dwcp.codecs import Reference
from dwcp.errors import InputError
from dwcp.tasks.compression.contract import TRANSFER, Action, action_named
from dwcp.transfer.sending.choice import Timing
from dwcp.transfer.sending.choosing import Chooser, action_of, allowed_by
from dwcp.transfer.sending.looking import Material, look_at
from dwcp.transfer.sending.pace import Pace

SECONDS = 8.0


def over_best(simulation: Simulation) -> float:
    """Time taken over that of the best fixed codec."""
    best_s = simulation.best_s_per_byte(simulation.truth) * simulation.plain_bytes()
    return simulation.run() / best_s


@pytest.mark.parametrize("machine", [1.0, 0.6])
@pytest.mark.parametrize("mbps", [10, 100, 1000])
@pytest.mark.parametrize("kind", KINDS)
def test_the_rule_is_near_the_best_codec(kind: str, mbps: float, machine: float) -> None:
    assert over_best(Simulation(mbps, KINDS[kind], machine=machine, seconds=SECONDS)) < 1.3


@pytest.mark.parametrize("believed", [0.3, 2.0])
def test_a_wrong_estimate_is_found_out(believed: float) -> None:
    times = [
        over_best(Simulation(mbps, truth, believed=believed, seconds=3 * SECONDS))
        for mbps in (20, 100, 400)
        for truth in (PROSE, TABLES, SOURCE)
    ]
    assert mean(times) < 1.1
    assert max(times) < 1.3


@pytest.mark.parametrize("adviser", ["random", "zstd-19", "none", "lz4", "lz4hc-9"])
def test_nonsense_costs_little(adviser: str) -> None:
    ratios = []
    for mbps in (20, 100, 700):
        for truth in (PROSE, SOURCE):
            advised = at_random(mbps) if adviser == "random" else always(adviser)
            rule = Simulation(mbps, truth, seconds=SECONDS).run()
            ratios.append(Simulation(mbps, truth, advised, seconds=SECONDS).run() / rule)
            assert advised.asked
    assert mean(ratios) < 1.05
    assert max(ratios) < 1.15


def test_a_good_advisor_is_listened_to() -> None:
    def best(context: object) -> Action:
        return action_named("zstd-9")

    advised = Simulation(100, PROSE, Adviser(best), machine=1.0, seconds=SECONDS)
    advised.run()
    assert advised.actions.count("zstd-9") > 0.8 * len(advised.actions)


def test_the_advisor_is_asked_now_and_then_and_told_what_came() -> None:
    adviser = always("zstd-9")
    simulation = Simulation(100, PROSE, adviser, seconds=SECONDS)
    simulation.run()
    assert 2 <= len(adviser.asked) <= SECONDS * 3
    assert len(adviser.observed) > 0.9 * len(simulation.actions)
    action, stored_bytes = adviser.observed[-1]
    block_bytes = adviser.asked[0].facts.block_bytes
    assert stored_bytes == pytest.approx(PROSE[action.name][0] * block_bytes, rel=0.01)


def test_an_advisor_that_has_no_answer_is_no_harm() -> None:
    nothing, rule = (
        Simulation(100, PROSE, Adviser(lambda _: None), seconds=SECONDS),
        Simulation(100, PROSE, seconds=SECONDS),
    )
    assert nothing.run() == pytest.approx(rule.run(), rel=0.05)
    wrong = Simulation(100, PROSE, Adviser(lambda _: Action("snappy")), seconds=SECONDS)
    wrong.run()
    assert "snappy" not in wrong.actions


def test_what_does_not_compress_goes_as_it_is() -> None:
    simulation = Simulation(1000, PACKED, seconds=SECONDS)
    simulation.run()
    assert simulation.actions.count("none") > 0.97 * len(simulation.actions)


def test_what_begins_to_compress_is_noticed() -> None:
    simulation = Simulation(100, PACKED, changes=[(0.3, PROSE)], seconds=20)
    simulation.run()
    later = simulation.actions[len(simulation.actions) // 2 :]
    assert later.count("none") < 0.2 * len(later)


def test_flows_are_kept_apart() -> None:
    chooser = Chooser(TRANSFER, FakeLink(100), Pace(0.0))
    text, noise = Material([words(100_000)]), Material([bytes(100_000)])
    for number in range(4):
        choice = chooser.choose("noise", noise, None, 1 << 30, number)
        chooser.observe(choice, 100_000, 100_000, Timing(0.001, 1.0), number)
        choice = chooser.choose("text", text, None, 1 << 30, number)
        chooser.observe(choice, 100_000, 30_000, Timing(0.001, 1.0), number)
    assert chooser.is_raw("noise")
    assert not chooser.is_raw("text")
    assert not chooser.is_raw("unknown")


def test_a_fixed_codec_is_used_for_everything() -> None:
    reference = Reference.of(words(1000))
    material = Material([words(1000)])
    for name, without, with_reference in (
        ("zstd-5", "zstd-5", "zstd-5"),
        ("none", "none", "none"),
        ("delta-4", "zstd-4", "delta-4"),
        ("zstd--5", "zstd--5", "zstd--5"),
    ):
        chooser = Chooser(TRANSFER, FakeLink(), Pace(0.0), fixed=action_of(name))
        assert chooser.choose("", material, None, 0, 0.0).action.name == without
        assert chooser.choose("", material, reference, 0, 0.0).action.name == with_reference
    with pytest.raises(InputError, match="does not understand"):
        Chooser(allowed_by(["lz4"]), FakeLink(), Pace(0.0), fixed=action_of("zstd-3"))


def test_what_the_receiver_understands_bounds_the_candidates() -> None:
    assert {action.name for action in allowed_by([])} == {"none"}
    assert {action.codec for action in allowed_by(["zstd", "lz4"])} == {"none", "zstd", "lz4"}
    assert {action.name for action in allowed_by(["zstd-3"])} == {"none", "zstd-3"}
    assert allowed_by(["none", "lz4", "lz4hc", "zstd", "delta", "snappy"]) == TRANSFER


@pytest.mark.parametrize("mbps", [float("nan"), float("inf"), 0.0, -1.0])
def test_a_link_that_is_not_known_is_taken_for_a_usual_one(mbps: float) -> None:
    assert Chooser(TRANSFER, FakeLink(mbps), Pace(0.0)).resources().bandwidth_mbps == 100.0


def test_looking_takes_what_the_link_affords() -> None:
    material = Material([words(1_000_000)])
    deep = look_at(material, None, 20.0, 1_000_000)
    assert deep is not None
    assert deep.block_bytes <= 256 * 1024
    assert look_at(material, None, 100_000.0, 1_000_000) is None
    assert look_at(Material([]), None, 1.0, 1_000_000) is None
    several = Material([words(1000), words(1000, seed=2)])
    assert bytes(several.whole()) == words(1000) + words(1000, seed=2)


def test_a_delta_is_chosen_where_there_is_a_reference() -> None:
    chooser = Chooser(TRANSFER, FakeLink(50), Pace(0.0))
    material = Material([words(1_000_000)])
    assert not chooser.choose("a", material, None, 1 << 30, 0.0).action.use_reference
    assert chooser.choose("a", material, Reference.of(words(10_000)), 1 << 30, 0.0).action.use_reference
