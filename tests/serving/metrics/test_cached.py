from dwcp.errors import StorageError
from dwcp.serving.metrics.cached import Cached


def test_a_source_is_read_as_seldom_as_it_may_be() -> None:
    now, read = [0.0], []

    def source() -> int:
        read.append(now[0])
        return len(read)

    cached = Cached(source, 10.0, lambda: now[0])
    for at, told in ((0.0, 1), (9.9, 1), (10.0, 2), (12.0, 2), (30.0, 3)):
        now[0] = at
        assert cached.get() == told
    assert read == [0.0, 10.0, 30.0]


def test_a_source_that_fails_gives_nothing_until_it_is_asked_again() -> None:
    now, faults = [0.0], [StorageError("the disk fails")]

    def source() -> str:
        if faults:
            raise faults.pop()
        return "well"

    cached = Cached(source, 10.0, lambda: now[0])
    assert cached.get() is None
    assert "disk" in str(cached.error)
    assert cached.get() is None
    now[0] = 10.0
    assert cached.get() == "well"
    assert cached.error is None
