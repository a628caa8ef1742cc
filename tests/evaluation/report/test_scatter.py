import re

from hypothesis import given
from hypothesis import strategies as st

from dwcp.evaluation.report.marks import shortened, text_width
from dwcp.evaluation.report.scatter import scatter_chart
from dwcp.evaluation.report.sections import Axis, Point, Scatter, Series

_LABEL = re.compile(r'<text class="label" x="([\d.-]+)" y="([\d.-]+)">([a-z]+)</text>')

points = st.builds(Point, st.floats(1, 100), st.floats(1, 1000), st.text("abcdef", min_size=1, max_size=8))


@given(st.lists(points, min_size=1, max_size=25))
def test_no_two_labels_overlap_and_none_leaves_the_chart(given_points: list[Point]) -> None:
    chart = Scatter("t", "d", Axis("x", "log"), Axis("y", "log"), (Series("s", tuple(given_points)),))
    for variant, width in zip(scatter_chart(chart, "f").split("</svg>")[:2], (760, 330), strict=True):
        boxes = [
            (float(x), float(y), float(x) + text_width(text, 12), float(y) - 10)
            for x, y, text in _LABEL.findall(variant)
        ]
        assert boxes
        assert all(left >= 0 and right <= width for left, _, right, _ in boxes)
        for place, (left, bottom, right, top) in enumerate(boxes):
            for other_left, other_bottom, other_right, other_top in boxes[place + 1 :]:
                apart = right <= other_left + 0.1 or other_right <= left + 0.1
                assert apart or bottom <= other_top or other_bottom <= top


@given(st.text(max_size=60), st.floats(20, 200))
def test_shortened_text_fits(text: str, room: float) -> None:
    cut = shortened(text, 13, room)
    assert text_width(cut, 13) <= room
    assert cut == text or cut.endswith("…")
