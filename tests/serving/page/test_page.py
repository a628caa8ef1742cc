"""The page as text: whole, escaped, without anything from elsewhere, readable in both schemes."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

pytest.importorskip("starlette")
pytest.importorskip("httpx")

from dwcp.errors import StorageError
from dwcp.safety.rollout.stages import Stage
from dwcp.serving.metrics import ArmView, ExperimentView, Judgements, Observed, RolloutView
from dwcp.serving.page import snapshot
from dwcp.serving.page.document import content, document
from dwcp.serving.page.routes import routes

HOSTILE = "<script>alert(1)</script>\"'&"
VOID = {"meta", "link", "br"}


class Outline(HTMLParser):
    """Checks that elements are closed in order; collects what is there."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, names)
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.seen if name == tag]


def outline(text: str) -> Outline:
    parsed = Outline()
    parsed.feed(text)
    parsed.close()
    assert parsed.open == []
    return parsed


def page(served) -> str:
    return document(snapshot(served.observed, served.now))


def test_the_page_is_well_formed_and_has_landmarks_and_names(served) -> None:
    seen = outline(page(served))
    for landmark in ("header", "nav", "main", "footer", "title"):
        assert len([tag for tag, _ in seen.seen if tag == landmark]) >= 1
    assert len(seen.all("main")) == len(seen.all("h1")) == 1
    assert all(attrs.get("lang") == "en" for attrs in seen.all("html"))
    assert len(seen.all("caption")) == len(seen.all("table")) > 4
    assert all(attrs.get("aria-label") or attrs.get("aria-hidden") for attrs in seen.all("svg"))
    ids = [attrs["id"] for _, attrs in seen.seen if "id" in attrs]
    assert len(ids) == len(set(ids))
    aims = {attrs["href"].removeprefix("#") for attrs in seen.all("a") if attrs["href"].startswith("#")}
    assert aims <= set(ids)
    assert seen.all("a")[0]["class"] == "skip"
    live = [attrs["data-live"] for _, attrs in seen.seen if "data-live" in attrs]
    assert len(live) == len(set(live)) >= 7


def test_nothing_is_inline_or_from_elsewhere(served) -> None:
    text = page(served)
    seen = outline(text)
    for tag, attrs in seen.seen:
        assert not [name for name in attrs if name == "style" or name.startswith("on")], tag
    assert "<style" not in text
    assert all(attrs.get("src") == "/page/live.js" for attrs in seen.all("script"))
    assert "://" not in text
    for path in ("/", "/page/live", "/page/style.css", "/page/live.js"):
        answer = served.get(routes(served.observed), path)
        assert answer.status_code == 200
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert not re.search(r"url\(|@import|https?:", answer.text) or path == "/page/live.js"
    assert served.get(routes(served.observed), "/page/other").status_code == 404


def test_hostile_names_and_reasons_are_text(served) -> None:
    served.world.task.name = HOSTILE
    arms = [ArmView(HOSTILE, 1, HOSTILE), ArmView("b", 2)]
    observed = replace(
        served.observed,
        rollouts=lambda: [RolloutView("bandwidth", HOSTILE, HOSTILE, Stage.SHADOW, 0.0, HOSTILE)],
        experiments=lambda: [ExperimentView(HOSTILE, HOSTILE, 0.5, HOSTILE, arms, HOSTILE, HOSTILE)],
    )
    served.advisor.slots()["bandwidth"].clear()
    served.advisor.slots()["bandwidth"].absence = (
        served.advisor.slots()["bandwidth"].absence[0],
        HOSTILE,
    )
    data = snapshot(observed, served.now)
    text = document(replace_task(data, HOSTILE))
    assert "<script>alert" not in text
    assert text.count("&lt;script&gt;alert(1)") >= 8
    outline(text)


def replace_task(data, name: str):
    first, *rest = data.tasks
    changed = type(first)(
        **{field: getattr(first, field) for field in first.__struct_fields__} | {"name": name}
    )
    return type(data)(data.now_s, (changed, *rest), name, data.forecasts, data.experiments, (name,))


def test_what_is_shown_is_what_is(served) -> None:
    data = snapshot(served.observed, served.now)
    toy = next(task for task in data.tasks if task.name == "toy")
    assert (toy.hints, toy.by_model) == (40, 0.9)
    assert [(one.reason, one.count, one.by_model) for one in toy.decisions] == [
        ("Model", 36, True),
        ("Fallback error", 4, False),
    ]
    assert [(model.role, model.version, model.breaker) for model in toy.models] == [
        ("champion", "1.0.0", "closed"),
        ("challenger", "1.1.0", "closed"),
    ]
    assert toy.models[1].age_s == pytest.approx(3600)
    assert toy.models[0].digest == served.advisor.models()["toy"].digest[:12]
    assert toy.accuracy.model_day > toy.accuracy.control_day
    assert toy.regret.model_day < toy.regret.control_day
    assert len(toy.accuracy.model) == 96
    assert toy.drifted == ("outcome regret",)
    assert [one.stage for one in toy.rollouts] == [Stage.CANARY_5]
    assert 0 < toy.latency.p50_ms <= toy.latency.p99_ms
    text = content(data)
    for told in ("canary 5%", "outcome regret", "model-or-rule", "lab to store", "40 hints", "Mbit/s"):
        assert told in text


def test_an_empty_server_and_one_whose_store_fails_have_a_page_too(served) -> None:
    def broken() -> None:
        raise StorageError("the disk fails")

    advisor = served.world.new_advisor()
    observed = Observed(advisor, Judgements(["toy"]), store=broken, experiments=list)
    [task] = snapshot(observed, 0.0).tasks
    assert task.latency is None
    assert not task.accuracy.told
    assert snapshot(observed, 0.0).problems == ()
    observed.stored.get()
    text = document(snapshot(observed, 0.0))
    assert "store: the disk fails" in text
    assert "nothing asked yet" in text
    assert "There is no experiment." in text
    outline(text)


def test_parts_that_change_are_those_that_are_exchanged(served) -> None:
    parts = re.compile(r'data-live="([^"]+)"')
    before = parts.findall(content(snapshot(served.observed, served.now)))
    served.ask()
    fresh = served.get(routes(served.observed), "/page/live").text
    assert parts.findall(fresh) == before
    assert "41 hints" in fresh
    assert "<html" not in fresh


def schemes(served) -> list[dict[str, str]]:
    css = served.get(routes(served.observed), "/page/style.css").text
    blocks = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    return [dict(re.findall(r"--(\w+): (#\w{6})", block)) for block in blocks]


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_text_can_be_read_and_charts_be_seen_in_both_schemes(served) -> None:
    told = schemes(served)
    assert len(told) == 2
    for colours in told:
        for ground in ("ground", "card"):
            for text in ("text", "muted", "accent"):
                assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
            for line in ("accent", "rest"):
                assert contrast(colours[line], colours[ground]) >= 3, (line, ground)
        assert contrast(colours["accent"], colours["band"]) >= 3
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


def test_motion_and_folding_are_left_to_who_reads(served) -> None:
    css = served.get(routes(served.observed), "/page/style.css").text
    moving = css[: css.index("prefers-reduced-motion: no-preference")]
    assert "animation" not in css
    assert "transition" not in css
    assert "scroll-behavior" not in moving
    assert ":focus-visible" in css
    seen = outline(page(served))
    assert len(seen.all("details")) == len(seen.all("summary")) == 2
    assert len([attrs for attrs in seen.all("details") if "open" in attrs]) == 1
