import os

from dwcp.cli.store.pace import Pace, counting


class Clock:
    """Seconds, as they are set."""

    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        return self.now_s


def paced(total):
    clock, said = Clock(), []
    return Pace(lambda share, words: said.append((share, words)), lambda: total, clock), clock, said


def test_rate_and_what_is_left():
    pace, clock, said = paced(400_000_000)
    for _ in range(2):
        clock.now_s += 1.0
        pace(1, 50_000_000)
    assert said[0] == (0.0, "")
    assert said[-1] == (0.25, "100.0 MB, 50 MB/s, 2 files, 6 s left")
    assert (pace.files, pace.size_bytes, pace.elapsed_s) == (2, 100_000_000, 2.0)


def test_the_rate_is_that_of_late():
    pace, clock, said = paced(None)
    clock.now_s += 1000.0
    pace(0, 10)
    for _ in range(60):
        clock.now_s += 1.0
        pace(0, 2_000_000)
    assert said[-1] == (0.0, "120.0 MB, 2 MB/s")


def test_it_is_said_now_and_then():
    pace, clock, said = paced(1000)
    for _ in range(1000):
        clock.now_s += 0.001
        pace(0, 1)
    assert 9 <= len(said) <= 11
    assert pace.size_bytes == 1000


def test_more_than_there_was_is_no_more_than_all():
    pace, clock, said = paced(10)
    clock.now_s += 1.0
    pace(1, 20)
    assert said[-1] == (1.0, "20 bytes, 0 MB/s, 1 file, 0 s left")


def test_a_folder_is_counted_meanwhile(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a").write_bytes(b"12345")
    (tmp_path / "b").write_bytes(b"123")
    (tmp_path / "link").symlink_to("b")
    os.mkfifo(tmp_path / "pipe")
    for path, wanted in ((tmp_path, 8), (tmp_path / "b", 3), (tmp_path / "nothing", 0)):
        with counting(path) as total:
            while total() is None:
                pass
            assert total() == wanted
