"""Values by their context: the very one, one that is equal, and bounds."""

from dataclasses import dataclass

from dwcp.serving._asked import Recent


@dataclass(frozen=True)
class Window:
    """A context with a window, which is not looked at whole."""

    steps: tuple[float, ...]
    node: str = ""


class Plain:
    """Equal only to itself."""


class Loose:
    """Has no hash."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Loose)


def test_a_context_that_was_packed_meanwhile_is_found_once() -> None:
    recent: Recent[str] = Recent()
    recent.add((1.0, "a"), "first")
    assert recent.pop((1.5, "a")) is None
    assert recent.pop((1, "a")) == "first"
    assert recent.pop((1.0, "a")) is None


def test_the_very_object_comes_before_an_equal_one_and_of_those_the_latest() -> None:
    recent: Recent[int] = Recent()
    contexts = [(1.0, number // 3) for number in range(3)]
    for number, context in enumerate(contexts):
        recent.add(context, number)
    assert recent.pop(contexts[1]) == 1
    assert [recent.pop((1.0, 0)) for _ in range(3)] == [2, 0, None]


def test_windows_are_known_by_their_ends() -> None:
    recent: Recent[str] = Recent()
    recent.add(Window(tuple(map(float, range(100))), "n1"), "it")
    assert recent.pop(Window(tuple(map(float, range(99))), "n1")) is None
    assert recent.pop(Window(tuple(map(float, range(100))), "n2")) is None
    assert recent.pop(Window(tuple(map(float, range(100))), "n1")) == "it"


def test_one_without_a_hash_is_found_as_itself_alone() -> None:
    recent: Recent[str] = Recent()
    one = Loose()
    recent.add(one, "it")
    assert recent.pop(Loose()) is None
    assert recent.pop(one) == "it"


def test_the_oldest_are_forgotten() -> None:
    recent: Recent[int] = Recent(most=3, most_equal=2)
    contexts = [Plain() for _ in range(4)]
    for number, context in enumerate(contexts):
        recent.add(context, number)
    assert [recent.pop(context) for context in contexts] == [None, 1, 2, 3]
    for number in range(3):
        recent.add((7.0,), number)
    assert [recent.pop((7.0,)) for _ in range(3)] == [2, 1, None]
    for number in range(3):
        recent.add(number, number)
    assert [recent.pop(number) for number in range(3)] == [0, 1, 2]
