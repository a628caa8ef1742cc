from dwcp.cli.demo.screen import _show_transfers
from dwcp.cli.demo.transfer import Edit, Laid, Run, Transferred, Way
from dwcp.cli.demo.transfer_page import transfer_sections
from dwcp.cli.demo.transfer_telling import HEADER, edit_text, left_out_row, run_row, sent_text
from dwcp.evaluation.report import BarChart, Heading, Prose, Report, Table, render
from dwcp.simulate.shaped_link import LinkShape

SELECTOR, RAW = Way("selector 1.0.0", "send", ()), Way("not compressed", "send", ("--codec", "none"))
UPDATE = Way("selector 1.0.0", "sync", ())
CODECS = {"zstd-3": 60, "lz4": 20, "zstd-9": 15, "none": 5}
COPY = Run(SELECTOR, 1.25, 39_084_376, 11_797_399, 12_675_758, 124, 0, CODECS)
FAILED = Run(RAW, problem="the sender took too long and was ended")


def linked(**values):
    return Transferred(LinkShape(rate_mbps=100), "", Laid(124, 39_084_376), **values)


def of_kind(done, kind):
    return [section for section in transfer_sections(done) if isinstance(section, kind)]


def test_what_was_sent_over_what():
    assert sent_text(linked()) == (
        "124 files kept aside (39.1 MB; of a larger one its first 4 MB), sent from one process to another "
        "over a link of 100 Mbit/s between two network namespaces of this machine"
    )
    over_loopback = Transferred(None, "network namespaces need root", Laid(1, 5000))
    assert sent_text(over_loopback).endswith(
        "over loopback, for want of a link (network namespaces need root): what compressing saves on a link "
        "does not show there"
    )


def test_what_was_edited():
    words = "before the sync, 14 bytes were put into the middle of 1 file"
    assert edit_text(linked(edited=Edit(1, 14))) == words
    assert edit_text(linked(edited=Edit(2, 14))) == f"{words}s".replace("1 files", "2 files")


def test_rows():
    codecs = "zstd-3 60.0 %, lz4 20.0 %, zstd-9 15.0 %, others 5.0 %"
    row = ("send, selector 1.0.0", "1.25 s", "11.8 MB", "12.7 MB", "124 of 124", codecs, "identical")
    assert run_row(COPY) == row
    unlinked = Run(UPDATE, 0.086, 39_084_446, 10_586, None, 5, 119, {"delta-1": 7})
    row = ("sync, selector 1.0.0", "86.0 ms", "11 kB", "–", "5 of 124", "delta-1 100 %", "identical")
    assert run_row(unlinked) == row
    assert run_row(FAILED) == ("send, not compressed", "", "", "", "", "", "failed")
    assert left_out_row(RAW) == ("send, not compressed", "", "", "", "", "", "no time")


def test_the_page_has_every_transfer_and_what_went_wrong():
    done = linked(copies=[COPY, FAILED], left_out=[UPDATE])
    assert [section.tone for section in of_kind(done, Prose)] == ["plain", "bad"]
    [table] = of_kind(done, Table)
    assert [row[0] for row in table.rows] == [
        "send, selector 1.0.0",
        "send, not compressed",
        "sync, selector 1.0.0",
    ]
    assert len(table.columns) == len(HEADER)
    [chart] = of_kind(done, BarChart)
    [group] = chart.groups
    assert (group.name, [(bar.name, bar.value) for bar in group.bars]) == (
        "100 Mbit/s",
        [("selector 1.0.0", 1.25)],
    )
    assert "✗" in render(Report("A page", "", tuple(transfer_sections(done))))


def test_without_any_transfer_there_is_a_sentence():
    done = Transferred(problem="none of the files kept aside can be read any more")
    assert [type(section) for section in transfer_sections(done)] == [Heading, Prose, Prose]


def test_the_screen_tells_the_same(capsys):
    _show_transfers(linked(copies=[COPY, FAILED], edited=Edit(5, 70), update=COPY, left_out=[UPDATE]))
    said = capsys.readouterr().out
    for words in (sent_text(linked()), "70 bytes", "11.8 MB", "no time", f"not compressed: {FAILED.problem}"):
        assert words in said
