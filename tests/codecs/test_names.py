import mmap
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dwcp.codecs import Delta, Hierarchy, Lz4Hc, Zstd, codec_families, codec_named
from dwcp.errors import InputError

LEVELS = st.integers(-131072, 22)


@given(st.one_of(st.just("none"), st.just("lz4"), st.just("snappy"), LEVELS.map("zstd-{}".format)))
def test_a_codec_has_the_name_it_was_asked_by(name: str) -> None:
    assert codec_named(name).name == name


def test_every_family_gives_its_first_and_last_level() -> None:
    for family in codec_families():
        for level in (family.levels[0], family.levels[-1]) if family.levels else ("",):
            name = f"{family.name}-{level}" if family.levels else family.name
            assert codec_named(name).name == name


@given(st.text(max_size=12))
def test_any_text_is_a_codec_or_one_sentence(name: str) -> None:
    with suppress(InputError):
        assert codec_named(name).name == name


@pytest.mark.parametrize(
    "name",
    ["", "zstd", "zstd-", "zstd-23", "zstd--131073", "zstd-03", "zstd-+3", "zstd- 3", "zstd-3-3", "zstd--0",
     "zstd-٣", "lz4-1", "lz4-", "lz4hc", "lz4hc-0", "lz4hc-13",
     "snappy-1", "none-0", "ZSTD-3", "delta", "gzip-6"],
)  # fmt: skip
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="there is no codec"):
        codec_named(name)


def test_the_refusal_lists_what_there_is() -> None:
    with pytest.raises(InputError, match=r"lz4hc-1\.\.12, snappy, zstd--131072\.\.22, delta-"):
        codec_named("brotli-5")


@pytest.mark.parametrize(("build", "level"), [(Zstd, 23), (Delta, 23), (Lz4Hc, 0), (Hierarchy, 99)])
def test_a_level_that_does_not_exist_is_refused_when_made(build: type[Zstd], level: int) -> None:
    with pytest.raises(InputError, match=f"not {level}"):
        build(level)


@pytest.mark.parametrize(
    ("name", "too_long_bytes"), [("lz4", 0x7E000001), ("lz4hc-4", 0x7E000001), ("snappy", 2**32)]
)
def test_a_block_beyond_a_format_is_refused(name: str, too_long_bytes: int) -> None:
    untouched = memoryview(mmap.mmap(-1, too_long_bytes))
    with pytest.raises(InputError, match="cut it smaller"):
        codec_named(name).encode(untouched)
