"""What the screen and the page both tell: tables as rows of text, and sentences."""

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from dwcp.cli.demo.hints import Asked
from dwcp.cli.demo.judging import LINKS_MBPS, RIVALS, Judged
from dwcp.cli.demo.learning import Learned
from dwcp.cli.demo.run import Demo
from dwcp.cli.demo.writing import interval_text, link_text, percent_text, seconds_text
from dwcp.tasks.compression.contract import CostModel

__all__ = [
    "HINT_HEADER",
    "MODEL_TITLES",
    "Text",
    "command_text",
    "comparisons_text",
    "fixed_text",
    "hint_rows",
    "link_titles",
    "of_model",
    "saving_rows",
    "second_rows",
    "verdict_text",
]

Text = tuple[str, str]
"""A cell: what it says, and the interval or remark below it."""

MODEL_TITLES = {
    CostModel.PIPELINED: "pipelined (compressing, sending and unpacking at the same time)",
    CostModel.SERIAL: "serial (compressing first, then sending)",
}
HINT_HEADER = ("file", "link", "hint", "reason", "sure", "predicted", "measured", "best possible")


def of_model(judged: Sequence[Judged], cost_model: CostModel) -> list[Judged]:
    """The points of one cost model, in order of the link."""
    return [one for one in judged if one.point.cost_model is cost_model]


def link_titles(judged: Sequence[Judged]) -> list[str]:
    """One title a point."""
    return [link_text(one.point.bandwidth_mbps) for one in judged]


def second_rows(judged: Sequence[Judged]) -> Iterator[tuple[str, list[Text]]]:
    """Of each policy, its seconds at every point and what they are above the oracle's."""
    for policy in judged[0].seconds:
        yield policy, [_seconds(one, policy) for one in judged]


def fixed_text(judged: Sequence[Judged]) -> str:
    """Which codec the best fixed one is, link by link."""
    codecs = (f"{one.fixed_codec} at {link_text(one.point.bandwidth_mbps)}" for one in judged)
    return f"best fixed is {', '.join(codecs)}"


def saving_rows(judged: Sequence[Judged], subject: str) -> Iterator[tuple[str, list[Text]]]:
    """Over each rival, the share of its time that the subject saves, with the interval."""
    for rival in RIVALS:
        if rival != subject:
            saved = [one.saved(subject, rival) for one in judged]
            yield f"than {rival}", [(percent_text(s.estimate, signed=True), interval_text(s)) for s in saved]


def hint_rows(done: Demo) -> Iterator[tuple[str, ...]]:
    """A hint for each kind of file, and one with the model switched off."""
    for asked in (*done.hints.examples(), done.hints.switched_off):
        yield _hint(asked)


def verdict_text(learned: Learned) -> str:
    """Whether the model beats the rules on files it has not seen, by the figure that decides on promotion."""
    if learned.artifact is None:
        return f"There is no model: {learned.why}. The figures are those of the rules."
    verdict, metrics = learned.report["verdict"], learned.report["metrics"]
    own = metrics[learned.report["learned"]][verdict["metric"]]
    best = verdict["best_baseline"]
    other = metrics[best][verdict["metric"]]
    beats = "beats" if learned.promoted else "does not beat"
    follows = "the champion now: hints come from it" if learned.promoted else "not promoted"
    return (
        f"The model {beats} the best rule on files that it has not seen: on average, over links and cost "
        f"models, its choice takes {percent_text(own)} longer than the best possible, that of the rule "
        f"({best}) {percent_text(other)}. Compression {learned.artifact.ref.version} is {follows}."
    )


def comparisons_text(done: Demo) -> str:
    """How many of the comparisons the subject wins and loses by more than chance."""
    saved = [
        one.saved(done.subject, rival) for one in done.judged for rival in RIVALS if rival != done.subject
    ]
    won, lost = sum(s.low > 0 for s in saved), sum(s.high < 0 for s in saved)
    rivals = [rival for rival in RIVALS if rival != done.subject]
    return (
        f"Of {len(saved)} comparisons (with {', '.join(rivals[:-1])} and {rivals[-1]}, on {len(LINKS_MBPS)} "
        f"links, in {len(MODEL_TITLES)} cost models) the {done.subject} is clearly faster in {won}, clearly "
        f"slower in {lost}; in the others the 95 % interval of the difference holds zero."
    )


def command_text(home_flag: Path | None, words: str) -> str:
    """A command to type, with the home, if it was given as a flag."""
    home = "" if home_flag is None else f"--home {shlex.quote(str(home_flag))} "
    return f"dwcp {home}{words}"


def _seconds(judged: Judged, policy: str) -> Text:
    above = "" if policy == "oracle" else percent_text(judged.above_oracle[policy].estimate, signed=True)
    return seconds_text(judged.seconds[policy]), above


def _hint(asked: Asked) -> tuple[str, ...]:
    hint = asked.hint
    predicted = hint.costs.get(hint.action)
    return (
        asked.file,
        link_text(asked.link_mbps),
        hint.action.name,
        hint.reason.value,
        percent_text(hint.confidence) if predicted is not None else "",
        "" if predicted is None else seconds_text(predicted),
        seconds_text(asked.cost_s),
        f"{seconds_text(asked.oracle_cost_s)} {asked.oracle.name}",
    )
