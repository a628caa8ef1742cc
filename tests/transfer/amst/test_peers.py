import pytest

from dwcp.serving import FallbackAdvisor, Hint, Reason
from dwcp.tasks.peers.contract import Action, Context, Peer
from dwcp.transfer.amst.peers import choose_peer


class _Told:
    def __init__(self, action: object) -> None:
        self._action = action

    def ask(self, task_name: str, context: object) -> Hint[object]:
        assert task_name == "peers"
        assert isinstance(context, Context)
        return Hint(self._action, Reason.MODEL, 1.0, None)

    def observe(self, task_name: str, context: object, action: object, outcome: object) -> None: ...


def _context(*peers: Peer) -> Context:
    return Context(peers, 65_536, 1.8e9, timeout_ms=1000.0)


FAR, NEAR, FLAKY = Peer("far", 90.0), Peer("near", 10.0), Peer("flaky", 5.0, failure_share=0.2)


def test_the_advisors_order_is_taken() -> None:
    assert choose_peer(_Told(Action(("far", "near"))), _context(NEAR, FAR)) == ("far", "near")


@pytest.mark.parametrize(
    "told",
    [
        None,
        "near",
        ("near", "far"),
        Action(()),
        Action(("near",)),
        Action(("near", "near")),
        Action(("near", "far", "else")),
        Action(("near", None)),  # type: ignore[arg-type]
        Action(["near", "far"]),  # type: ignore[arg-type]
    ],
)
def test_any_other_order_is_not(told: object) -> None:
    assert choose_peer(_Told(told), _context(FAR, NEAR)) == ("near", "far")


@pytest.mark.parametrize("advisor", [None, FallbackAdvisor({})])
def test_latency_with_the_cost_of_failures(advisor: FallbackAdvisor | None) -> None:
    assert choose_peer(advisor, _context(FLAKY, FAR, NEAR)) == ("near", "far", "flaky")


def test_a_peer_that_was_never_asked_stands_in_the_middle() -> None:
    assert choose_peer(None, _context(Peer("new"), FAR, NEAR, Peer("mid", 50.0))) == (
        "near",
        "new",
        "mid",
        "far",
    )


def test_without_any_measurement_the_order_stays() -> None:
    assert choose_peer(None, _context(Peer("b"), Peer("a"))) == ("b", "a")
    assert choose_peer(None, _context()) == ()
