"""One writer at a time, from anywhere; who is dead gives way, and who was slow is told."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from dwcp.errors import StorageError, StoreLockedError
from dwcp.storage import Store, StoredKind

At = Callable[..., Any]


@pytest.fixture
def aged(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Makes the lock as old as that by the service's clock."""
    objects = pytest.importorskip(
        "dwcp.storage.backends.bucket.objects", reason="the extra s3 is not installed"
    )
    lease = pytest.importorskip("dwcp.storage.backends.bucket.lease")
    version = objects.BucketObjects.version

    def set_age(age_s: float) -> None:
        def older(self: Any, name: str) -> Any:
            found = version(self, name)
            if found is None or name != lease.LOCK:
                return found
            return objects.Version(found.data, found.tag, found.written - timedelta(seconds=age_s))

        monkeypatch.setattr(objects.BucketObjects, "version", older)

    return set_age


def test_another_machine_waits_and_is_told_for_whom(at: At) -> None:
    lock = at("here").lock_writer()
    with pytest.raises(StoreLockedError, match=r"somebody on here is writing .* 900 s longer"):
        at("there").lock_writer()
    lock.release()
    at("there").lock_writer().release()
    at("here").lock_writer().release()


def test_a_process_that_died_gives_way_at_once_on_its_own_machine(at: At) -> None:
    """Its lock on the folder went with it; what it left in the bucket is known to be nobody's."""
    lock = at("here").lock_writer()
    with pytest.raises(StoreLockedError, match="wait until they are done"):
        at("here").lock_writer()
    died = lock._locks[1]
    died.release()
    with pytest.raises(StoreLockedError):
        at("there").lock_writer()
    at("here").lock_writer().release()


def test_a_lease_that_ran_out_is_taken_over_and_its_owner_told(at: At, clock: Any, aged: Any) -> None:
    slow = at("here")
    lock = slow.lock_writer()
    slow.put("a", b"1")
    aged(899)
    with pytest.raises(StoreLockedError, match="1 s longer"):
        at("there").lock_writer()
    aged(901)
    other = at("there").lock_writer()
    clock.now_s += 901
    for change in (lambda: slow.put("a", b"2"), lambda: slow.remove("a")):
        with pytest.raises(StoreLockedError, match="was given back, or lost"):
            change()
    assert slow.get("a") == b"1"
    lock.release()
    aged(0)
    with pytest.raises(StoreLockedError):
        at("elsewhere").lock_writer()
    other.release()


def test_a_sign_of_life_is_given_with_the_next_change(at: At, clock: Any, bucket: Any) -> None:
    import obstore

    backend = at("here")
    lock = backend.lock_writer()
    tags = []
    for step_s in (1, 58, 2, 1, 5000):
        clock.now_s += step_s
        backend.put("a", b"")
        tags.append(obstore.head(bucket, ".lock")["e_tag"])
    assert [tags.index(tag) for tag in tags] == [0, 0, 2, 2, 4], "and kept after however long, if nobody came"
    lock.release()
    with pytest.raises(StoreLockedError, match="given back"):
        backend.put("a", b"")


def test_two_who_take_over_at_once(at: At, aged: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from dwcp.storage.backends.bucket.lease import Lease

    at("dead").lock_writer()
    aged(1000)
    write, taken = Lease._write, []

    def racing(self: Any, *args: Any, **named: Any) -> str:
        if not taken:
            taken.append(True)
            taken.append(at("first").lock_writer())
        return write(self, *args, **named)

    monkeypatch.setattr(Lease, "_write", racing)
    with pytest.raises(StoreLockedError, match="has just begun"):
        at("second").lock_writer()
    assert len(taken) == 2


def test_an_answer_that_was_lost_is_no_conflict(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    from dwcp.storage.backends.bucket.failures import ConditionFailed
    from dwcp.storage.backends.bucket.objects import BucketObjects

    put_if = BucketObjects.put_if

    def said_twice(self: Any, *args: Any) -> str:
        put_if(self, *args)
        raise ConditionFailed("the second time it is there")

    monkeypatch.setattr(BucketObjects, "put_if", said_twice)
    lock = at("here").lock_writer()
    monkeypatch.undo()
    lock.release()
    at("there").lock_writer().release()


def test_a_lock_of_another_version_is_left_alone(at: At) -> None:
    backend = at("here")
    backend._objects.put(".lock", b'{"format": "lock/2"}')
    with pytest.raises(StorageError, match="no lock that this version knows"):
        backend.lock_writer()
    backend._objects.remove(".lock")
    backend.lock_writer().release()


def test_what_is_put_after_the_lease_was_lost_is_not_acknowledged(at: At, clock: Any, aged: Any) -> None:
    backend = at("here")
    store = Store.create(backend)
    store.put_block(b"content", StoredKind.CHUNK)
    aged(1000)
    clock.now_s += 1000
    with Store.open(at("there")):
        with pytest.raises(StoreLockedError):
            store.flush()
        store.close()
    assert backend.names("packs") == []
