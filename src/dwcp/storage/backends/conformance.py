"""What every backend must hold to: one function, one property, ``AssertionError`` where it does not hold.

For a new backend, parametrise a test over ``CHECKS``; each check is given a fresh, empty backend::

    @pytest.mark.parametrize("check", CHECKS)
    def test_my_backend(check):
        check(MyBackend())
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from dwcp.errors import InputError, ObjectNotFoundError, StoreLockedError
from dwcp.storage.backends.backend import Backend

__all__ = [
    "CHECKS",
    "check_absent",
    "check_bad_names",
    "check_bad_ranges",
    "check_input_kinds",
    "check_lock",
    "check_many_threads",
    "check_names",
    "check_parts",
    "check_remove",
    "check_replace",
    "check_round_trip",
]

_CONTENT = bytes(range(256)) * 9
_BAD_NAMES = (
    "",
    "/",
    "a/",
    "/a",
    "a//b",
    "A",
    "a.b",
    ".",
    "..",
    "a/../b",
    ".lock",
    "a b",
    "ä",
    "a\n",
    "a" * 256,
)


def check_round_trip(backend: Backend) -> None:
    """What was put is there: empty, short, long, at the top and deep below."""
    for name, data in (("a", b""), ("b/c", b"x"), ("b/d/e-1", _CONTENT), ("z" * 100, bytes(3_000_001))):
        backend.put(name, data)
        assert backend.get(name) == data
        assert backend.size(name) == len(data)


def check_replace(backend: Backend) -> None:
    """A second object of a name takes the place of the first, wholly."""
    backend.put("a/b", _CONTENT)
    backend.put("a/b", b"new")
    assert (backend.get("a/b"), backend.size("a/b"), backend.names()) == (b"new", 3, ["a/b"])


def check_input_kinds(backend: Backend) -> None:
    """Any contiguous buffer is taken, and nothing that its owner does to it later changes the object."""
    data = bytearray(_CONTENT)
    backend.put("array", data)
    backend.put("view", memoryview(data)[7:100])
    data[:] = bytes(len(data))
    assert backend.get("array") == _CONTENT
    assert backend.get("view") == _CONTENT[7:100]


def check_parts(backend: Backend) -> None:
    """A part is what lies there; past the end there is less, or nothing."""
    backend.put("a", _CONTENT)
    ends = len(_CONTENT)
    for offset, length in ((0, 0), (0, 1), (5, 300), (ends - 3, 3), (ends - 3, 10), (ends, 1), (ends + 9, 4)):
        assert backend.get("a", offset, length) == _CONTENT[offset : offset + length]
    assert backend.get("a", 17) == _CONTENT[17:]
    assert backend.get("a", ends + 1) == b""
    assert backend.get("a", 3, 2**62) == _CONTENT[3:]


def check_names(backend: Backend) -> None:
    """Names come in order, and a prefix is a whole folder of names, not the beginning of a word."""
    assert backend.names() == []
    assert backend.names("nothing/here") == []
    for name in ("packs/ab/2", "packs/aa/1", "packs/ab/1", "config", "packs-not/1", "packs/ab-1/1"):
        backend.put(name, b"")
    assert backend.names() == sorted(backend.names())
    assert len(backend.names()) == 6
    assert backend.names("packs/ab") == ["packs/ab/1", "packs/ab/2"]
    assert backend.names("packs") == ["packs/aa/1", "packs/ab-1/1", "packs/ab/1", "packs/ab/2"]
    assert backend.names("config") == []


def check_remove(backend: Backend) -> None:
    """What was removed is gone, others are not, and removing what is absent is no error."""
    backend.put("a/b", b"1")
    backend.put("a/c", b"2")
    for _ in range(2):
        backend.remove("a/b")
    backend.remove("never/was")
    assert backend.names() == ["a/c"]
    _refused(ObjectNotFoundError, lambda: backend.get("a/b"))
    backend.put("a/b", b"3")
    assert backend.get("a/b") == b"3"


def check_absent(backend: Backend) -> None:
    """Asking for what is absent, or for a folder of names, is one clear error that names it."""
    backend.put("a/b", b"")
    for name in ("nothing", "a", "a/b/c", "a/c"):
        for ask in (backend.get, backend.size):
            assert name in _refused(ObjectNotFoundError, partial(ask, name))


def check_bad_names(backend: Backend) -> None:
    """What is no name is refused by every method, before anything is done."""
    for name in _BAD_NAMES:
        for ask in (backend.get, backend.size, backend.remove, partial(backend.put, data=b"x")):
            _refused(InputError, partial(ask, name))
        if name:
            _refused(InputError, partial(backend.names, name))
    assert backend.names() == []


def check_bad_ranges(backend: Backend) -> None:
    """A negative offset or length is refused."""
    backend.put("a", _CONTENT)
    _refused(InputError, lambda: backend.get("a", -1))
    _refused(InputError, lambda: backend.get("a", 0, -1))


def check_lock(backend: Backend) -> None:
    """One writer at a time; releasing twice does no harm to the next one."""
    first = backend.lock_writer()
    assert _refused(StoreLockedError, backend.lock_writer)
    first.release()
    second = backend.lock_writer()
    first.release()
    assert _refused(StoreLockedError, backend.lock_writer)
    second.release()
    backend.lock_writer().release()


def check_many_threads(backend: Backend) -> None:
    """Puts and gets from several threads do not disturb each other; a reader sees one whole version."""
    versions = [bytes((number,)) * (50_000 + number) for number in range(24)]

    def work(number: int) -> None:
        backend.put(f"own/{number}", versions[number])
        backend.put("shared", versions[number])
        assert backend.get(f"own/{number}") == versions[number]
        assert backend.get("shared") in versions

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(len(versions))))
    assert len(backend.names("own")) == len(versions)


CHECKS: tuple[Callable[[Backend], None], ...] = (
    check_round_trip,
    check_replace,
    check_input_kinds,
    check_parts,
    check_names,
    check_remove,
    check_absent,
    check_bad_names,
    check_bad_ranges,
    check_lock,
    check_many_threads,
)
"""All of them."""


def _refused(expected: type[Exception], call: Callable[[], object]) -> str:
    try:
        call()
    except expected as error:
        return str(error)
    raise AssertionError(f"this should have been refused with {expected.__name__}")
