import json
import re
import signal
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from random import Random

import pytest

from dwcp.cli.app import main
from dwcp.cli.demo import learning, measuring
from dwcp.cli.demo.transfer import Edit, Laid, Run, Transferred, Way
from dwcp.cli.demo.writing import seconds_text
from dwcp.cli.failures import Status
from dwcp.registry import Registry
from dwcp.tasks.compression.table import read_table

WORDS = ["the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "while", "it", "rains"]
RULE, RAW = Way("fallback", "send", ("--no-model",)), Way("not compressed", "send", ("--codec", "none"))
SENT = Transferred(
    why_loopback="network namespaces need root",
    laid=Laid(15, 100_000),
    copies=[Run(RULE, 1.25, 100_000, 45_000, None, 15, 0, {"zstd-3": 100_000})],
    edited=Edit(1, 14),
)
POLICIES = {"oracle", "selector", "fallback", "best fixed", "zstd-3"}
VOID = {"meta", "br", "line", "path", "rect", "circle", "use"}


def text(rng: Random, size_bytes: int) -> bytes:
    return " ".join(rng.choices(WORDS, k=size_bytes // 4)).encode()[:size_bytes]


def numbers(rng: Random, size_bytes: int) -> bytes:
    return json.dumps([rng.randrange(1000) for _ in range(size_bytes // 6)]).encode()


def noise(rng: Random, size_bytes: int) -> bytes:
    return rng.randbytes(size_bytes)


@pytest.fixture(scope="module", autouse=True)
def sent():
    """Sending takes seconds and is tested by itself; gives what each demo was asked to send."""
    asked = []

    def transfer(paths, registry, *_):
        asked.append((paths, registry.root))
        return SENT

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dwcp.cli.demo.run.transfer", transfer)
        yield asked


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Fifteen small files of three kinds."""
    folder = tmp_path_factory.mktemp("files")
    for number in range(15):
        suffix, make = (("txt", text), ("json", numbers), ("gz", noise))[number % 3]
        (folder / f"file{number}x.{suffix}").write_bytes(make(Random(number), 5000 + 300 * number))
    return folder


@pytest.fixture
def without_extra(monkeypatch, steady_speed):
    """A machine on which the training libraries are not installed."""
    monkeypatch.setattr(learning, "find_spec", lambda name: None if name == "torch" else object())


class Page(HTMLParser):
    """A page's words, and the tags that are open."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.words: list[str] = []
        self.open: list[str] = []
        self.links: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()

    def handle_starttag(self, tag, attrs):
        self.links += [value for name, value in attrs if name in ("href", "src")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        assert self.open == []
        return " ".join(" ".join(self.words).split())


def of_point(figures, mbps, cost_model):
    [point] = [
        point
        for point in figures["points"]
        if (point["bandwidth_mbps"], point["cost_model"]) == (mbps, cost_model)
    ]
    return point


def without_times(figures):
    """The figures, less those that differ from run to run: how long asking took, what was re-used."""
    hints = {name: value for name, value in figures["hints"].items() if "latency" not in name}
    rest = {name: value for name, value in figures.items() if name not in ("hints", "model", "measured")}
    measured = figures["measured"] | {"reused": None}
    return rest | {"hints": hints, "model": figures["model"] | {"reused": None}, "measured": measured}


# Without the training extra: everything but the model.


def test_without_the_training_extra_the_rules_are_judged_and_it_is_said(run, data, without_extra, home):
    done = run("demo", data, "--seconds", 1)
    assert done.status == 0
    assert "training needs the extra: pip install 'dwcp[train]' (torch is not installed)" in done.out
    assert "Time that the fallback saves" in done.out
    assert "selector" not in done.out
    assert done.out.splitlines()[-2:] == [
        f"Report: {home / 'reports' / 'demo.html'}",
        f"Try next: dwcp --home {home} advise FILE --bandwidth-mbps 100",
    ]
    assert "There is no model" in Page(home / "reports" / "demo.html").text


def test_the_figures_are_those_of_the_measured_table(run, data, without_extra, home):
    figures = json.loads(run("demo", data, "--seconds", 1, "--json").out)
    blocks = read_table(Path(figures["measured"]["table"]))
    assert figures["measured"]["blocks"] == len(blocks) == 15
    assert figures["kept_aside"]["blocks"] >= 1
    assert [(p["bandwidth_mbps"], p["cost_model"]) for p in figures["points"]] == [
        (mbps, model) for model in ("pipelined", "serial") for mbps in (10, 100, 1000, 10000)
    ]
    for point in figures["points"]:
        seconds = point["seconds"]
        assert min(seconds.values()) == pytest.approx(seconds["oracle"])
        for policy, above in point["above_oracle"].items():
            assert above["estimate"] == pytest.approx(seconds[policy] / seconds["oracle"] - 1)
    stored = sum(block.facts.block_bytes for block in blocks)
    assert figures["measured"]["plain_bytes"] == stored
    assert set(figures["hints"]["reasons"]) == {"FALLBACK_NO_MODEL"}
    assert figures["hints"]["asked"] == 4 * figures["kept_aside"]["blocks"]
    assert figures["hints"]["examples"][-1]["reason"] == "KILL_SWITCH"


def test_the_page_holds_the_figures_and_loads_nothing(run, data, without_extra, home):
    figures = json.loads(run("demo", data, "--seconds", 1, "--json").out)
    page = Page(home / "reports" / "demo.html")
    for point in figures["points"]:
        for seconds in point["seconds"].values():
            assert seconds_text(seconds) in page.text
    assert all(link.startswith("#") for link in page.links)


def test_a_second_run_re_uses_the_table_and_says_so(run, data, without_extra):
    first = json.loads(run("demo", data, "--seconds", 1, "--json").out)
    again = run("demo", data, "--seconds", 1, "--json")
    assert "re-using 15 blocks" in again.err
    assert not first["measured"]["reused"]
    assert json.loads(again.out)["measured"]["reused"]
    assert without_times(json.loads(again.out)) == without_times(first)


def test_fresh_measures_anew(run, data, without_extra):
    run("demo", data, "--seconds", 1)
    again = run("demo", data, "--seconds", 1, "--fresh", "--json")
    assert "re-using" not in again.err
    assert not json.loads(again.out)["measured"]["reused"]


@pytest.mark.parametrize("flags", [["--quiet"], ["-q", "--json"]])
def test_quiet_says_nothing_but_the_result(run, data, without_extra, flags):
    done = run("demo", data, "--seconds", 1, *flags)
    assert (done.status, done.err) == (0, "")
    assert done.out


def test_interrupted_in_the_middle_the_next_run_goes_on(run, data, without_extra, monkeypatch):
    measure = measuring.measure

    def interrupted(*arguments):
        for place, block in enumerate(measure(*arguments)):
            if place == 6:
                raise KeyboardInterrupt
            yield block

    monkeypatch.setattr(measuring, "measure", interrupted)
    done = run("demo", data, "--seconds", 1)
    assert (done.status, done.out) == (Status.INTERRUPTED, "")
    assert "what was measured is kept" in done.err
    monkeypatch.setattr(measuring, "measure", measure)
    again = run("demo", data, "--seconds", 1)
    assert again.status == 0
    assert "measured 9 more blocks, 15 blocks" in again.err


SAVING = """
import sys
from dwcp.cli.app import main
from dwcp.cli.demo import measuring

measuring._SAVE_EVERY_S = 0.0
save = measuring._save
measuring._save = lambda measured: (save(measured), print("saved", file=sys.stderr, flush=True))
sys.exit(main(sys.argv[1:]))
"""


def test_killed_in_the_middle_the_next_run_goes_on(run, data, without_extra, home):
    words = [sys.executable, "-c", SAVING, "--home", str(home), "demo", str(data), "--seconds", "1"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        lines = iter(process.stderr)
        for _ in range(5):
            next(line for line in lines if line == "saved\n")
        process.send_signal(signal.SIGKILL)
    again = run("demo", data, "--seconds", 1)
    assert again.status == 0
    assert re.search(r"measured \d+ more blocks, 15 blocks", again.err)


def test_a_missing_path_is_a_sentence(run, data):
    done = run("demo", data, data / "nothing-here")
    assert (done.status, done.out) == (Status.UNUSABLE, "")
    assert done.sentence.endswith("nothing-here does not exist; name a file or a directory")


def test_an_empty_directory_is_a_sentence(run, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    done = run("demo", empty)
    assert done.status == Status.UNUSABLE
    assert done.sentence.startswith(f"no file of at least 4096 bytes in {empty}")


def test_too_few_files_to_keep_any_aside_are_a_sentence(run, tmp_path, steady_speed):
    (tmp_path / "one.txt").write_bytes(text(Random(1), 9000))
    done = run("demo", tmp_path / "one.txt", "--seconds", 1)
    assert done.status == Status.UNUSABLE
    assert "name three or more" in done.sentence


def test_a_home_that_cannot_be_written_is_said_before_the_work(run, data, home):
    home.write_text("a file where the home should be")
    assert "is not a folder" in run("demo", data).sentence


def test_without_paths_the_machine_is_looked_through_and_an_archive_is_made(
    run, data, without_extra, home, monkeypatch, tmp_path
):
    plain = tmp_path / "plain"
    plain.mkdir()
    for file in data.glob("*.txt"):
        (plain / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr("dwcp.cli.demo.run.default_roots", lambda: [plain])
    figures = json.loads(run("demo", "--seconds", 1, "--json").out)
    blocks = read_table(Path(figures["measured"]["table"]))
    assert "demo/archive.zip" in {block.file for block in blocks}
    assert (home / "demo" / "archive.zip").exists()


def test_the_files_kept_aside_are_sent_in_the_end(run, data, without_extra, home, sent):
    done = run("demo", data, "--seconds", 1)
    paths, registry = sent[-1]
    assert registry == home / "registry"
    assert paths
    assert all(name == f"{data.name}/{path.name}" and path.parent == data for name, path in paths.items())
    assert f"{len(paths)} blocks" in Page(home / "reports" / "demo.html").text
    assert "sent from one process to another over loopback, for want of a link (network name" in done.out
    assert "identical" in done.out
    figures = json.loads(run("demo", data, "--seconds", 1, "--json").out)["transfers"]
    assert (figures["link"], figures["why_loopback"]) == (None, "network namespaces need root")
    [copy] = figures["copies"]
    assert (copy["seconds"], copy["wire_bytes"], copy["identical"]) == (1.25, 45_000, True)


def test_a_transfer_that_fails_leaves_the_rest_and_a_failing_status(run, data, without_extra, monkeypatch):
    failed = replace(SENT, copies=[*SENT.copies, Run(RAW, problem="the sender took too long and was ended")])
    monkeypatch.setattr("dwcp.cli.demo.run.transfer", lambda *_: failed)
    for flags in ([], ["--json"]):
        done = run("demo", data, "--seconds", 1, *flags)
        assert done.status == Status.FAILED
        assert done.sentence == "send, not compressed: the sender took too long and was ended"
        assert done.out


# With the training extra: once, then again.


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """Two runs of the whole demo in one home: their figures, and what they said."""
    from contextlib import redirect_stderr, redirect_stdout
    from io import StringIO

    home = tmp_path_factory.mktemp("trained-demo")
    runs = []
    for _ in range(2):
        with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
            words = ["--home", str(home), "demo", str(data), "--seconds", "1", "--epochs", "1", "--json"]
            assert main(words) == 0, err.getvalue()
        runs.append((json.loads(out.getvalue()), err.getvalue()))
    return home, *runs


@pytest.mark.train
@pytest.mark.slow
def test_a_model_is_trained_published_and_judged_beside_the_rules(trained):
    home, (figures, said), _ = trained
    version = figures["model"]["version"]
    assert f"trained compression {version}" in said
    assert set(figures["points"][0]["seconds"]) == POLICIES
    aliases = Registry(home / "registry").aliases("compression")
    assert (aliases.get("champion") == version) == figures["model"]["promoted"]
    reasons = set(figures["hints"]["reasons"])
    assert reasons & ({"MODEL"} if figures["model"]["promoted"] else {"FALLBACK_NO_MODEL"})


@pytest.mark.train
@pytest.mark.slow
def test_the_second_run_re_uses_model_and_table_and_gives_the_same_figures(trained):
    _, (first, _), (second, said) = trained
    assert "re-using 15 blocks" in said
    assert f"re-using compression {first['model']['version']}, a model of the same data" in said
    assert second["model"]["reused"]
    assert without_times(second)["points"] == without_times(first)["points"]
    assert second["model"]["digest"] == first["model"]["digest"]


@pytest.mark.train
@pytest.mark.slow
def test_the_page_tells_of_the_model(trained):
    home, (figures, _), _ = trained
    page = Page(home / "reports" / "demo.html").text
    assert f"Compression {figures['model']['version']} is " in page
    assert "The gates ask for more" in page
    assert seconds_text(of_point(figures, 100, "pipelined")["seconds"]["selector"]) in page


@pytest.mark.train
@pytest.mark.slow
def test_the_model_judges_on_what_training_kept_aside(trained):
    home, (figures, _), _ = trained
    report = json.loads((home / "demo" / "compression" / "training_report.json").read_bytes())
    assert report["split"]["test"]["cases"] == figures["kept_aside"]["blocks"]
    assert report["split"]["test"]["groups"] == figures["kept_aside"]["groups"]


def test_a_training_that_fails_leaves_the_rules_and_a_failing_status(run, data, steady_speed, monkeypatch):
    from dwcp.training import JobResult

    failed = JobResult("compression", None, "the process that trained compression was killed (SIGKILL)")
    monkeypatch.setattr(learning, "train_all", lambda *_, **__: (failed,))
    done = run("demo", data, "--seconds", 1)
    assert done.status == Status.FAILED
    assert "There is no model: the process that trained compression was killed (SIGKILL)" in done.out
    assert "Report: " in done.out
