"""What the pages say to do is done, in order, as a reader would."""

import re
import shutil
from pathlib import Path
from typing import Any, get_args

import pytest
from doc_pages import Reader, commands, dwcp_words, pages, snippets
from typer.main import get_command

from dwcp.blocks import DEFAULT_CHUNKING
from dwcp.cli.app import app
from dwcp.cli.reference import every_command
from dwcp.codecs.frame import BlockKind
from dwcp.safety import BreakerSettings
from dwcp.serving import Reason
from dwcp.serving.local import LocalAdvisor
from dwcp.storage import DEFAULT_CODEC, StoreSettings, encoding
from dwcp.storage.packs import PACK_BYTES
from dwcp.storage.trees import source
from dwcp.tasks.bandwidth.forecast import Note
from dwcp.tasks.bandwidth.modes import ModeSettings
from dwcp.tasks.bandwidth.series import STEPS
from dwcp.tasks.compression import policy
from dwcp.tasks.compression.contract import CostModel
from dwcp.transfer import ReceiverLimits, SendOptions
from dwcp.transfer.protocol import MAX_STREAMS
from dwcp.transfer.protocol.limits import PIECE_DIGEST_BYTES
from dwcp.transfer.receiving import PIECES, ReceivingOptions
from dwcp.transfer.sending import bundling

KIB, MIB = 1024, 1024 * 1024
PAGES = pages()
FOLLOWED = {
    "README.md": 4,
    "docs/tutorial.md": 8,
    "docs/how-to.md": 15,
    "docs/how-to/bandwidth.md": 7,
    "docs/how-to/detect.md": 9,
    "docs/how-to/experiment.md": 7,
    "docs/how-to/keys.md": 7,
    "docs/how-to/rollout.md": 10,
    "docs/how-to/serve.md": 14,
    "docs/how-to/store.md": 13,
    "docs/how-to/store-from-python.md": 2,
    "docs/how-to/transfer.md": 12,
    "docs/how-to/transfer-from-python.md": 5,
}
"""Pages with the least number of snippets that they must have, so that none is passed over unseen."""
TRAINING = {"docs/tutorial.md", "docs/how-to.md", "docs/how-to/rollout.md", "docs/how-to/serve.md"}
"""Those of them that train a model."""
SERVING = {
    "docs/how-to/experiment.md": ("dwcp.serving.http",),
    "docs/how-to/rollout.md": ("dwcp.serving.http", "httpx", "openfeature"),
    "docs/how-to/serve.md": ("dwcp.serving.http", "grpc", "grafana_foundation_sdk", "httpx", "tritonclient"),
}
"""Those that start a server, with what has to be installed for it."""
PROGRAMS = ("curl", "openssl")
"""What these call besides."""
NOT_FOLLOWED = {"CONTRIBUTING.md"}
"""Pages whose snippets run the tests themselves: there the targets and paths are checked."""


def require_serving(name: str) -> None:
    """Skip a page that starts a server where something for it is missing."""
    for module in SERVING.get(name, ()):
        pytest.importorskip(module, exc_type=ImportError)
    missing = [program for program in PROGRAMS if name in SERVING and shutil.which(program) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed")


@pytest.mark.parametrize("name", sorted(FOLLOWED.keys() - TRAINING - SERVING.keys()))
def test_a_page_does_what_it_says(name: str, reader: Path) -> None:
    assert Reader(reader).follow(PAGES[name]) >= FOLLOWED[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SERVING.keys() - TRAINING))
def test_a_page_that_serves_does_what_it_says(name: str, reader: Path) -> None:
    require_serving(name)
    assert Reader(reader).follow(PAGES[name]) >= FOLLOWED[name]


@pytest.mark.train
@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(TRAINING))
def test_a_page_that_trains_does_what_it_says(name: str, reader: Path, train_once: None) -> None:
    for library in ("torch", "xgboost", "onnx", "sklearn"):
        pytest.importorskip(library)
    require_serving(name)
    assert Reader(reader).follow(PAGES[name]) >= FOLLOWED[name]


def test_only_the_pages_that_are_followed_have_snippets_to_run() -> None:
    with_snippets = {
        name
        for name, path in PAGES.items()
        if any(one.language in ("sh", "python") for one in snippets(path.read_text(encoding="utf-8")))
    }
    assert with_snippets == set(FOLLOWED) | NOT_FOLLOWED


def documented_words() -> list[list[str]]:
    """The words of every call of ``dwcp`` in the pages that are followed."""
    texts = [
        one.text
        for name in FOLLOWED
        for one in snippets(PAGES[name].read_text(encoding="utf-8"))
        if one.language == "sh"
    ]
    found = (dwcp_words(command) for text in texts for command in commands(text))
    return [words for words in found if words is not None]


def test_every_command_appears_in_the_pages() -> None:
    said = [" ".join(words) for words in documented_words()]
    root: Any = get_command(app)
    leaves = [path for path, command in every_command(root, "dwcp") if not hasattr(command, "commands")]
    assert leaves
    missing = [
        path for path in leaves if not any(f" {path.removeprefix('dwcp ')} " in f" {one} " for one in said)
    ]
    assert missing == []


def test_every_reason_and_cost_model_is_explained() -> None:
    text = PAGES["docs/explanation.md"].read_text(encoding="utf-8")
    assert [reason for reason in Reason if f"`{reason.value}`" not in text] == []
    assert [model for model in CostModel if f"| `{model.value}` |" not in text] == []


def test_the_next_free_kind_is_free() -> None:
    text = PAGES["CONTRIBUTING.md"].read_text(encoding="utf-8")
    [number] = re.findall(r"(\d+) is the next free one", text)
    assert min((int(number) ^ kind).bit_count() for kind in BlockKind) >= 2


def test_every_kind_of_block_is_in_the_format() -> None:
    text = PAGES["docs/reference/block-format.md"].read_text(encoding="utf-8")
    assert [kind for kind in BlockKind if f"| {kind.value} | `{kind.name}` |" not in text] == []


def test_the_numbers_of_a_transfer_are_those_of_the_code() -> None:
    pages = (PAGES["docs/explanation/transfer.md"], PAGES["docs/how-to/transfer.md"])
    text = " ".join(" ".join(page.read_text(encoding="utf-8").split()) for page in pages)
    cutting, credit_bytes = DEFAULT_CHUNKING, ReceiverLimits().credit_bytes
    assert f"of {cutting.avg_bytes // KIB} KiB or a little more on average" in text
    assert f"{cutting.max_bytes // KIB} KiB at most" in text
    assert f"up to {bundling._MOST_BYTES // MIB} MiB of them" in text
    assert f"{credit_bytes // MIB} MiB, and gives that credit back" in text
    assert f"1 to {MAX_STREAMS} of them" in text
    assert PIECES.avg_bytes == KIB
    assert f"{PIECE_DIGEST_BYTES} bytes of digest for each" in text
    assert SendOptions().retries == 5
    assert "five times unless `--retries` says otherwise" in text
    assert ReceivingOptions().stale_after_s == 7 * 86_400
    assert "is kept for a week" in text


def test_the_numbers_of_a_store_are_those_of_the_code() -> None:
    pages = (PAGES["docs/explanation/store.md"], PAGES["docs/how-to/store.md"])
    text = " ".join(" ".join(page.read_text(encoding="utf-8").split()) for page in pages)
    assert f"of {StoreSettings().chunking.avg_bytes // KIB} KiB or a little more on average" in text
    assert f"about {PACK_BYTES // MIB} MiB" in text
    assert f"with {DEFAULT_CODEC} unless told otherwise" in text
    assert source._TRIES == 3
    assert "is read again, three times at most" in text
    assert encoding._PAYS == 0.9
    assert "What gains less than a tenth by that is stored as it is" in text


def test_the_numbers_of_forecasts_are_those_of_the_code() -> None:
    text = " ".join(PAGES["docs/how-to/bandwidth.md"].read_text(encoding="utf-8").split())
    mode = ModeSettings()
    assert (mode.every_s, mode.samples, mode.votes, mode.cooldown_s) == (10.0, 10, 3, 60.0)
    assert "Every ten seconds, the last ten samples tell the mode" in text
    assert "after three equal verdicts in a row, and not within a minute of the last change" in text
    assert f"near and steady; the last {STEPS['datacenter']} steps" in text
    assert f"far, unsteady or lossy; the last {STEPS['internet']} steps" in text
    assert [note for note in get_args(Note) if f"| `{note}` |" not in text] == []


def test_the_numbers_in_the_explanation_are_those_of_the_code() -> None:
    text = " ".join(PAGES["docs/explanation.md"].read_text(encoding="utf-8").split())
    breaker, defaults = BreakerSettings(), LocalAdvisor.__init__.__kwdefaults__
    assert f"After {breaker.consecutive_failures} failures in a row" in text
    assert f"not asked for {breaker.open_s:g} seconds" in text
    assert breaker.failure_rate == breaker.slow_rate == 0.5
    assert f"**The deadline** is {defaults['deadline_ms']:g} ms" in text
    assert f"Up to {100 * policy._CURIOSITY:g} % of a flow's time" in text
