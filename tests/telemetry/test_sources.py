import gzip
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dwcp.errors import InputError, SchemaError
from dwcp.telemetry.rule import Rule
from dwcp.telemetry.schema import KINDS, arrow_schema, polars_schema
from dwcp.telemetry.schema.examples import example_rows
from dwcp.telemetry.sources import CsvSource, FrameSource, ParquetSource, open_source
from dwcp.telemetry.sources.conformance import CHECKS

GOSSIP = "epoch_time,node_id,overlay_size,fanout,ttl,coverage,messages_sent,bytes_sent\n"
TIME = 1_767_225_600 * 10**9


def gossip_line(number: int = 0, **change: object) -> str:
    cells = {
        "epoch_time": TIME + number,
        "node_id": "a",
        "overlay_size": 10,
        "fanout": 3,
        "ttl": 5,
        "coverage": 0.5,
        "messages_sent": 7,
        "bytes_sent": 700,
    }
    return ",".join(str(cell) for cell in (cells | change).values()) + "\n"


def frame_opener(folder: Path) -> Callable:
    return lambda table, kind, unknown="refuse": FrameSource(table, kind, unknown=unknown, batch_rows=70)


def parquet_opener(folder: Path) -> Callable:
    def open_table(table: pl.DataFrame, kind: str | None, unknown="refuse") -> ParquetSource:
        table.write_parquet(folder / "table.parquet")
        return ParquetSource(folder / "table.parquet", kind, unknown=unknown, batch_rows=70)

    return open_table


def csv_opener(folder: Path) -> Callable:
    def open_table(table: pl.DataFrame, kind: str | None, unknown="refuse") -> CsvSource:
        table.write_csv(folder / "table.csv")
        return CsvSource(folder / "table.csv", kind, unknown=unknown, block_bytes=20_000)

    return open_table


@pytest.mark.parametrize("opener", [frame_opener, parquet_opener, csv_opener])
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_conformance(check: Callable, opener: Callable, tmp_path: Path) -> None:
    check(opener(tmp_path))


def test_the_conformance_suite_catches_a_source_that_loses_rows() -> None:
    class Losing(FrameSource):
        def batches(self):
            yield from list(super().batches())[1:]

    with pytest.raises(AssertionError):
        CHECKS[0](lambda table, kind: Losing(table, kind, batch_rows=70))


def read(source) -> pl.DataFrame:
    return pl.concat([batch.frame for batch in source.batches()])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it is empty"),
        ("\xff\xfe,a\n1,2\n", "it has the unknown columns"),
        (GOSSIP.replace("ttl", "fanout"), "has two columns called column 'fanout'"),
        (GOSSIP.replace("ttl", "TTL"), "it has the unknown column 'TTL'"),
        (GOSSIP.replace("ttl,", ""), "it lacks the required column 'ttl'"),
    ],
)
def test_csv_headers_that_are_refused(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=words) as caught:
        CsvSource(path, "gossip")
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_csv_that_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    for line in (gossip_line(node_id="caf\xe9"), "caf\xe9\n"):
        path.write_bytes(GOSSIP.encode() + (gossip_line() * 20_000).encode() + line.encode("latin-1"))
        with pytest.raises(InputError, match="is not UTF-8 text"):
            list(CsvSource(path, "gossip", block_bytes=200_000).batches())


@pytest.mark.parametrize("content", [bytes(range(256)) * 99, b"\x00" * 5000, b"\x1f\x8b\x08" + bytes(50)])
def test_a_binary_file_is_one_sentence(content: bytes, tmp_path: Path) -> None:
    for name in ("table.csv", "table.csv.gz"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError) as caught:
            list(open_source(tmp_path / name, "gossip").batches())
        assert "\n" not in str(caught.value)


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(b"\xef\xbb\xbf" + (GOSSIP + gossip_line()).encode())
    assert read(CsvSource(path))["ttl"].to_list() == [5]


def test_a_cut_compressed_file(tmp_path: Path) -> None:
    path = tmp_path / "table.csv.gz"
    path.write_bytes(gzip.compress((GOSSIP + "".join(map(gossip_line, range(5000)))).encode())[:-5000])
    with pytest.raises(InputError, match="damaged, cut short"):
        list(CsvSource(path, "gossip").batches())


def test_a_csv_line_longer_than_a_block(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(GOSSIP + gossip_line(node_id="x" * 5000) * 3)
    with pytest.raises(InputError, match="longer than 1,000 bytes, or a quote is left open"):
        list(CsvSource(path, "gossip", block_bytes=1000).batches())


def test_a_quote_that_is_left_open(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(GOSSIP + gossip_line() + 'x,"y\n' + gossip_line() * 20)
    (batch,) = CsvSource(path, "gossip").batches()
    assert batch.numbers.to_list() == [1, 2]
    assert [f.rows.to_list() for f in batch.faults if f.rule is Rule.SHAPE] == [[False, True]]
    with pytest.raises(InputError, match="a quote is left open"):
        list(CsvSource(path, "gossip", block_bytes=200).batches())


def test_compressed_csv(tmp_path: Path) -> None:
    path = tmp_path / "table.csv.gz"
    path.write_bytes(gzip.compress((GOSSIP + gossip_line()).encode()))
    assert read(open_source(path))["ttl"].to_list() == [5]


def test_ragged_lines_are_faults_with_their_place(tmp_path: Path) -> None:
    lines = [gossip_line(number) for number in range(6)]
    lines[0] = "1,2\n"
    lines[2] = lines[2].replace("\n", ",extra\n")
    lines[3] = "\n" + lines[3].replace(",a,", ',"a\nb",')
    lines[5] = "\n\nlast"
    path = tmp_path / "table.csv"
    path.write_text(GOSSIP + "".join(lines))
    for block_bytes in (1 << 20, 150):
        batches = list(CsvSource(path, "gossip", block_bytes=block_bytes).batches())
        numbers = [number for batch in batches for number in batch.numbers]
        assert numbers == [1, 2, 3, 4, 5, 6]
        ragged = [
            number
            for batch in batches
            for fault in batch.faults
            if fault.rule is Rule.SHAPE
            for number in batch.numbers.filter(fault.rows)
        ]
        assert ragged == [1, 3, 6]
        found = pl.concat([batch.found for batch in batches])
        assert found["epoch_time"].to_list()[0] == "1"
        assert found["node_id"].to_list()[3] == "a\nb"
        assert found["epoch_time"].to_list()[5] == "last"


def test_nothing_but_ragged_lines(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(GOSSIP + "1,2\n" * 500)
    for block_bytes in (1 << 20, 200):
        batches = list(CsvSource(path, "gossip", block_bytes=block_bytes).batches())
        numbers = [number for batch in batches for number in batch.numbers]
        assert numbers == list(range(1, len(numbers) + 1))
        assert all(
            fault.rows.all() for batch in batches for fault in batch.faults if fault.rule is Rule.SHAPE
        )


@given(st.lists(st.booleans(), max_size=60), st.integers(100, 400))
@settings(max_examples=40, deadline=None)
def test_every_line_is_accounted_for(tmp_path_factory, whole: list[bool], block_bytes: int) -> None:
    path = tmp_path_factory.mktemp("lines") / "table.csv"
    path.write_text(GOSSIP + "".join(gossip_line(n) if fits else f"{n}\n" for n, fits in enumerate(whole)))
    batches = list(CsvSource(path, "gossip", block_bytes=block_bytes).batches())
    numbers = [number for batch in batches for number in batch.numbers]
    found = [cell for batch in batches for cell in batch.found["epoch_time"]]
    assert numbers == list(range(1, len(whole) + 1))
    assert found == [str(TIME + n) if fits else str(n) for n, fits in enumerate(whole)]


def test_renames_are_exact() -> None:
    table = pl.DataFrame(example_rows(KINDS["gossip"], 2), schema=polars_schema(KINDS["gossip"]))
    foreign = table.rename({"ttl": "hops"})
    assert read(FrameSource(foreign, renames={"hops": "ttl"})).equals(table)
    for renames, words in (
        ({}, "fit none"),
        ({"hop": "ttl"}, "fit none"),
        ({"hops": "fanout"}, "fit none"),
    ):
        with pytest.raises(SchemaError, match=words):
            FrameSource(foreign, renames=renames)
    for renames, words in (
        ({"hops": "ttl", "hop": "degree"}, "does not have the renamed column 'hop'"),
        ({"hops": "fanout"}, "maps two columns to column 'fanout'"),
        ({"hops": "hip"}, "unknown column 'hops'"),
    ):
        with pytest.raises(SchemaError, match=words):
            FrameSource(foreign, "gossip", renames=renames)


def test_columns_that_fit_several_kinds_or_none() -> None:
    shared = pl.DataFrame({"epoch_time": [TIME], "node_id": ["a"], "peer_id": ["b"], "rtt_ms": [1.0]})
    with pytest.raises(SchemaError, match="fit none of the record kinds"):
        FrameSource(shared)
    both = shared.with_columns(throughput_mbps=1.0, bytes_tx=1, bytes_rx=1)
    with pytest.raises(SchemaError, match="fit transfer, link of the record kinds; name the kind"):
        FrameSource(both)


def parquet(tmp_path: Path) -> Path:
    path = tmp_path / "table.parquet"
    pl.DataFrame(example_rows(KINDS["gossip"], 500), schema=polars_schema(KINDS["gossip"])).write_parquet(
        path
    )
    return path


@given(share=st.floats(0, 0.999))
@settings(max_examples=25)
def test_a_truncated_parquet_file_is_one_sentence(tmp_path_factory, share: float) -> None:
    path = parquet(tmp_path_factory.mktemp("cut"))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(InputError, match="is no whole Parquet file") as caught:
        open_source(path)
    assert "\n" not in str(caught.value)


def test_a_parquet_file_with_a_damaged_page(tmp_path: Path) -> None:
    path = parquet(tmp_path)
    whole = bytearray(path.read_bytes())
    whole[4:200] = bytes(196)
    path.write_bytes(whole)
    with pytest.raises(InputError, match="no whole Parquet file"):
        read(ParquetSource(path))


def test_something_else_called_parquet(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    path.write_text(GOSSIP)
    with pytest.raises(InputError, match="no whole Parquet file"):
        open_source(path)


def test_a_parquet_file_by_any_name(tmp_path: Path) -> None:
    path = parquet(tmp_path).rename(tmp_path / "table")
    assert isinstance(open_source(path), ParquetSource)


@pytest.mark.parametrize("name", ["none.csv", "none.parquet"])
def test_a_file_that_is_not_there(name: str, tmp_path: Path) -> None:
    for opener in (open_source, CsvSource, ParquetSource):
        with pytest.raises(InputError, match=name):
            opener(tmp_path / name)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        open_source(tmp_path)


def test_the_folder_names_the_kind(tmp_path: Path) -> None:
    folder = tmp_path / "kind=link"
    folder.mkdir()
    table = pl.DataFrame(example_rows(KINDS["link"], 1), schema=polars_schema(KINDS["link"]))
    table.select("epoch_time", *KINDS["link"].series, "rtt_ms", "throughput_mbps").write_parquet(
        folder / "p.parquet"
    )
    assert ParquetSource(folder / "p.parquet").kind.name == "link"


def test_a_column_in_another_unit_is_refused(tmp_path: Path) -> None:
    kind = KINDS["link"]
    rows = pa.Table.from_pylist(example_rows(kind, 2), schema=arrow_schema(kind))
    pq.write_table(rows, tmp_path / "table.parquet")
    assert ParquetSource(tmp_path / "table.parquet").kind == kind
    place = rows.schema.get_field_index("rtt_ms")
    seconds = rows.schema.set(place, rows.schema.field(place).with_metadata({"unit": "s"}))
    pq.write_table(rows.cast(seconds), tmp_path / "table.parquet")
    with pytest.raises(SchemaError, match="column 'rtt_ms' is in s, not ms; convert it first"):
        ParquetSource(tmp_path / "table.parquet")


def test_a_column_of_another_type_is_refused() -> None:
    table = pl.DataFrame(example_rows(KINDS["gossip"], 2), schema=polars_schema(KINDS["gossip"]))
    for wrong in (pl.lit(b"x").alias("region"), pl.lit(1).alias("region"), pl.lit(True).alias("ttl")):
        with pytest.raises(SchemaError, match=r"holds .*, not .*; convert it first"):
            read(FrameSource(table.with_columns(wrong)))
