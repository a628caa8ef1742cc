import random
from collections.abc import Iterable

from dwcp.codecs import plaintext_id
from dwcp.transfer.receiving.seen import Seen


def _ids(numbers: Iterable[int]) -> list[bytes]:
    return [plaintext_id(b"%d" % number) for number in numbers]


class _Noted:
    """A `Seen`, and the same in a dict beside it."""

    def __init__(self, max_ids: int = 1 << 21) -> None:
        self.ids: list[bytes] = []
        self.seen = Seen(self.ids.__getitem__, max_ids)

    def note(self, ids: list[bytes]) -> list[int]:
        earlier = self.seen.note(b"".join(ids), len(self.ids))
        self.ids += ids
        return earlier


def test_it_finds_what_a_dict_finds() -> None:
    rng = random.Random(1)
    noted = _Noted()
    known: dict[bytes, int] = {}
    for _ in range(60):
        ids = _ids(rng.randrange(20_000) for _ in range(rng.randrange(2000)))
        wanted = []
        for number, each in enumerate(ids, len(noted.ids)):
            wanted.append(known.get(each, -1))
            known.setdefault(each, number)
        assert noted.note(ids) == wanted
    for each, number in list(known.items())[:500]:
        assert noted.seen.find(each) == number
    assert noted.seen.find(plaintext_id(b"never noted")) == -1


def test_it_remembers_at_least_the_latest() -> None:
    noted = _Noted(max_ids=1000)
    ids = _ids(range(10_000))
    for begin in range(0, len(ids), 100):
        noted.note(ids[begin : begin + 100])
        assert noted.seen.find(ids[max(begin - 800, 0)]) >= 0
    assert noted.seen.find(ids[0]) == -1
    assert noted.note(ids[:1]) == [-1]


def test_what_is_met_again_is_carried_over() -> None:
    noted = _Noted(max_ids=1000)
    ids = _ids(range(20_000))
    often = ids[0]
    for begin in range(0, len(ids), 100):
        noted.note([often, *ids[begin : begin + 100]])
        assert noted.seen.find(often) >= 0


def test_an_id_may_come_to_mean_another_chunk() -> None:
    noted = _Noted()
    (block,) = _ids([7])
    noted.note([block])
    noted.note([block])
    noted.seen.point(block, 0, 1)
    assert noted.seen.find(block) == 1
    noted.seen.point(block, 5, 6)
    assert noted.seen.find(block) == 1


def test_ids_that_were_chosen_to_collide_cost_no_more() -> None:
    noted = _Noted()
    chosen = [bytes(28) + number.to_bytes(4, "big") for number in range(30_000)]
    assert set(noted.note(chosen)) == {-1}
    assert noted.note(chosen[5:6]) == [5]
