from dwcp.serving.counts import HintKey
from dwcp.serving.hint import Reason
from dwcp.serving.metrics.versions import OTHER, VersionFold


def key(version: str) -> HintKey:
    return HintKey("toy", Reason.MODEL, version)


def test_many_versions_become_few_labels_and_no_count_jumps() -> None:
    fold = VersionFold(most=2)
    counts = {key(f"1.{minor}.0"): 100 for minor in range(8, 10)} | {key(""): 7}
    first = fold.fold(counts, {"toy": ["1.8.0"]})
    assert {one.version: count for one, count in first.items()} == {"1.8.0": 100, "1.9.0": 100, "none": 7}
    counts |= {key("1.10.0"): 5, key("1.11.0"): 5}
    second = fold.fold(counts, {"toy": ["1.11.0"]})
    told = {one.version: count for one, count in second.items()}
    assert told == {OTHER: 0, "1.10.0": 5, "1.11.0": 5, "none": 7}
    counts[key("1.9.0")] = 103
    assert fold.fold(counts, {"toy": ["1.11.0"]})[key(OTHER)] == 3


def test_a_version_that_serves_again_has_its_label_again() -> None:
    fold = VersionFold(most=1)
    counts = {key("1.0.0"): 10, key("2.0.0"): 1}
    assert fold.fold(counts, {})[key(OTHER)] == 0
    counts[key("1.0.0")] = 12
    back = fold.fold(counts, {"toy": ["1.0.0"]})
    assert back == {key("1.0.0"): 12, key("2.0.0"): 1}
    assert fold.fold(counts, {})[key(OTHER)] == 0
