import pytest

from dwcp.tasks.peers.contract import Action, Context, Peer


@pytest.mark.parametrize(
    ("order", "admissible"),
    [(("a", "b"), True), (("b", "a"), True), (("a",), False), (("a", "a"), False), (("a", "b", "c"), False)],
)
def test_an_order_names_each_candidate_once(order: tuple[str, ...], admissible: bool) -> None:
    context = Context((Peer("a"), Peer("b")), 1024, 1.8e9)
    assert context.admissible(Action(order)) == admissible
