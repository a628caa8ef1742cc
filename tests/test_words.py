import pytest

from dwcp.words import bytes_text, counted


@pytest.mark.parametrize(
    ("count", "written"), [(0, "0 files"), (1, "1 file"), (2, "2 files"), (12_345, "12,345 files")]
)
def test_one_is_one_and_the_rest_are_many(count, written):
    assert counted(count, "file") == written


def test_words_with_a_plural_of_their_own():
    assert [counted(count, "entry", "entries") for count in (1, 2)] == ["1 entry", "2 entries"]


@pytest.mark.parametrize(
    ("size_bytes", "written"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (12_345, "12 kB"),
        (64_800_000, "64.8 MB"),
        (23_400_000_000, "23.4 GB"),
        (2_000_000_000_000_000, "2,000.0 TB"),
    ],
)
def test_sizes_in_the_unit_that_fits(size_bytes, written):
    assert bytes_text(size_bytes) == written
