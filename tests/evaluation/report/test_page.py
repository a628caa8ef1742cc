import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dwcp.evaluation.report import (
    Axis,
    Bar,
    BarChart,
    BarGroup,
    Cell,
    Column,
    Facts,
    Heading,
    KeyFigure,
    KeyFigures,
    LineChart,
    Point,
    Prose,
    Report,
    Scatter,
    Section,
    Series,
    Table,
    render,
)


class Reader(HTMLParser):
    """Refuses a tag that closes another; keeps ids, links, tags and visible text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.ids: list[str] = []
        self.referred: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.raw: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given_attrs = dict(attrs)
        assert len(given_attrs) == len(attrs), f"an attribute twice in {tag}"
        self.tags.append((tag, given_attrs))
        if tag != "meta":
            self.open.append(tag)
        self.ids += [value for name, value in attrs if name == "id" and value]
        for name, value in attrs:
            if name == "href":
                assert value is not None
                assert value.startswith("#")
                self.referred.append(value[1:])
            if name in ("aria-labelledby", "aria-describedby") and value:
                self.referred += value.split()
            if name == "fill" and value:
                self.referred.append(value.removeprefix("url(#").removesuffix(")"))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("style", "script"):
            self.raw[self.open[-1]] = data
        else:
            self.text.append(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    assert len(reader.ids) == len(set(reader.ids))
    assert set(reader.referred) <= set(reader.ids)
    return reader


@pytest.fixture(scope="module")
def page(sample: Report) -> str:
    return render(sample)


def test_the_sample_is_whole_and_the_same_each_time(sample: Report, page: str) -> None:
    reader = read(page)
    text = " ".join(reader.text)
    for words in ("Choosing a codec for the link", "431.6 s", "zstd 19", "[0.52, 0.97]", "4,812 of 1 MiB"):
        assert words in text
    assert render(sample) == page


def test_it_reaches_for_nothing(page: str) -> None:
    without_digests = re.sub(r"sha256-[\w+/=]+", "", page)
    assert not re.search(r"(https?:)?//[a-z]|@import|\bsrc=|url\((?!#)", without_digests)
    tags = {tag for tag, _ in read(page).tags}
    assert tags.isdisjoint({"link", "img", "iframe", "object", "base", "form"})


def test_its_policy_admits_its_own_style_and_script_alone(page: str) -> None:
    reader = read(page)
    (policy,) = [
        attrs["content"] or "" for tag, attrs in reader.tags if tag == "meta" and "http-equiv" in attrs
    ]
    for kind in ("style", "script"):
        digest = b64encode(sha256(reader.raw[kind].encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert not any("style" in attrs or name.startswith("on") for _, attrs in reader.tags for name in attrs)


def test_every_chart_has_a_name_and_a_description_and_every_table_a_caption(page: str) -> None:
    reader = read(page)
    charts = [attrs for tag, attrs in reader.tags if tag == "svg" and "aria-hidden" not in attrs]
    assert len(charts) == 4 + 2 + 2
    assert all(attrs["role"] == "img" and attrs["aria-labelledby"] for attrs in charts)
    tags = [tag for tag, _ in reader.tags]
    assert tags.count("table") == tags.count("caption") == 2 + 3
    assert tags.count("h1") == tags.count("main") == 1


def test_series_differ_by_more_than_colour(page: str) -> None:
    reader = read(page)
    dashes = {attrs.get("stroke-dasharray") for tag, attrs in reader.tags if attrs.get("class") == "line"}
    markers = {attrs["d"] for tag, attrs in reader.tags if attrs.get("class") == "marker"}
    assert len(dashes) == 4
    assert len(markers) == 5


def test_many_points_get_a_band_and_few_get_whiskers() -> None:
    def drawn(count: int) -> str:
        points = tuple(Point(float(i), 2.0, low=1.0, high=3.0) for i in range(count))
        return render(Report("t", "", (LineChart("t", "d", Axis("x"), Axis("y"), (Series("s", points),)),)))

    few, many = drawn(24), drawn(25)
    assert few.count('class="range"') == few.count('class="marker"') == 2 * 24
    assert 'class="band"' not in few
    assert many.count('class="band"') == many.count('class="marker"') == 2
    assert 'class="range"' not in many


def test_headings_of_one_name_get_anchors_of_their_own() -> None:
    headings = [Heading("Gates!"), Heading("gates"), Heading("gates-2"), Heading("Gates"), Heading("日本")]
    reader = read(render(Report("t", "", tuple(headings))))
    assert reader.referred[1:6] == ["gates", "gates-2", "gates-2-2", "gates-3", "section"]


def test_bounds_are_hatched_and_long_names_kept_in_the_tooltip() -> None:
    name = "a codec with a name that goes on and on"
    chart = BarChart("t", "d", "s", (BarGroup("g", (Bar(name, 1, "1 s", role="bound"), Bar("x", 0, "0 s"))),))
    page = render(Report("t", "", (chart,)))
    assert 'fill="url(#figure_0_0_hatch)"' in page
    assert f"<title>{name}: 1 s</title>" in page
    assert "…</text>" in page


def test_nothing_in_a_report_is_taken_for_markup() -> None:
    evil = "</script><img src=x onerror=alert(1)>\"'&"
    page = render(Report(evil, evil, (Heading(evil, evil), Prose(evil), Facts(((evil, evil),)))))
    reader = read(page)
    assert "img" not in {tag for tag, _ in reader.tags}
    assert reader.text.count(evil) >= 5


words = st.text(max_size=12)
numbers = st.floats(1e-15, 1e15)
some = st.none() | numbers
points = st.builds(Point, numbers, numbers, words, some, some)
axes = st.builds(Axis, words, st.sampled_from(["linear", "log"]))
all_series = st.lists(
    st.builds(Series, words, st.lists(points, min_size=1, max_size=4).map(tuple)), min_size=1, max_size=8
).map(tuple)
lengths = st.floats(0, 1e15)
roles = st.sampled_from(["plain", "focus", "bound"])
bars = st.builds(Bar, words, lengths, words, st.none() | lengths, st.none() | lengths, roles)
groups = st.builds(BarGroup, words, st.lists(bars, min_size=1, max_size=3).map(tuple))
cells = words | st.builds(Cell, words, words, st.sampled_from(["plain", "good", "bad"]))
tones = st.sampled_from(["plain", "note", "good", "bad"])


def tables(width: int) -> st.SearchStrategy[Table]:
    columns = st.lists(
        st.builds(Column, words, st.sampled_from(["text", "number"])), min_size=width, max_size=width
    )
    rows = st.lists(st.lists(cells, min_size=width, max_size=width).map(tuple), max_size=3)
    return st.builds(Table, words, columns.map(tuple), rows.map(tuple), st.frozensets(st.integers(0, 3)))


sections: st.SearchStrategy[Section] = st.one_of(
    st.builds(Heading, words, words),
    st.builds(Prose, words, tones),
    st.builds(Facts, st.lists(st.tuples(words, words), max_size=3).map(tuple), words),
    st.builds(KeyFigures, st.lists(st.builds(KeyFigure, words, words, words, tones), max_size=3).map(tuple)),
    st.integers(1, 3).flatmap(tables),
    st.builds(BarChart, words, words, words, st.lists(groups, min_size=1, max_size=2).map(tuple)),
    st.builds(LineChart, words, words, axes, axes, all_series),
    st.builds(Scatter, words, words, axes, axes, all_series),
)


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(st.builds(Report, words, words, st.lists(sections, max_size=4).map(tuple)))
def test_any_report_is_balanced_and_within_its_frame(report: Report) -> None:
    page = render(report)
    page.encode()
    for _, attrs in read(page).tags:
        for name in ("x", "x1", "x2", "y", "y1", "y2", "width", "height"):
            assert 0 <= float(attrs.get(name) or 0) <= 760
        if path := attrs.get("d"):
            assert re.fullmatch(r"[MLHVhvaz\d. -]+", path)
