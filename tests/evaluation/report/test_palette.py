import pytest

from dwcp.evaluation.report.palette import DARK, LIGHT, SERIES, color_rules


def luminance(color: str) -> float:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
def test_contrast_is_enough(colors: dict[str, str]) -> None:
    grounds = [colors[name] for name in ("page", "surface", "raised", "tint")]
    for ground in grounds:
        for text in ("ink", "soft", "accent", "good", "bad", "note"):
            assert contrast(colors[text], ground) >= 4.5, (text, ground)
    for mark in ("bar", *(f"series-{i + 1}" for i in range(SERIES))):
        assert contrast(colors[mark], colors["surface"]) >= 3, mark


def test_both_schemes_define_the_same_names() -> None:
    assert list(LIGHT) == list(DARK)
    rules = color_rules()
    assert rules.count("--page:") == 3
    assert rules.count("{") == rules.count("}")
