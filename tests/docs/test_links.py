"""Links within the documentation lead somewhere, and so do the paths that it names."""

import re
from pathlib import Path

import pytest
from doc_pages import GENERATED, ROOT, pages, require_make_target, snippets

from dwcp.cli.reference import pages as generated_pages

PAGES = pages()
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_PATH = re.compile(r"`((?:src|tests|docs|benchmarks)/[\w./-]+)`|(?<=pytest )(tests/[\w/-]+)")


def text_of(path: Path) -> str:
    """A page; one that is generated as it would be written now."""
    name = path.relative_to(ROOT).as_posix()
    return generated_pages()[path.name] if name in GENERATED else path.read_text(encoding="utf-8")


def anchors(page: str) -> set[str]:
    """What may follow the ``#`` of a link to the page."""
    titles = _HEADING.findall(_FENCE.sub("", page))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    page = PAGES[name]
    for link in _LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        generated = target.is_relative_to(ROOT) and target.relative_to(ROOT).as_posix() in GENERATED
        assert generated or target.exists(), f"{name}: {link}"
        assert not anchor or anchor in anchors(text_of(target)), f"{name}: {link}"


@pytest.mark.parametrize("name", PAGES)
def test_paths_that_are_named_exist(name: str) -> None:
    found = [one or other for one, other in _PATH.findall(PAGES[name].read_text(encoding="utf-8"))]
    assert [path for path in found if "NAME" not in path and not (ROOT / path).exists()] == []


def test_targets_that_contributors_run_exist() -> None:
    for snippet in snippets(PAGES["CONTRIBUTING.md"].read_text(encoding="utf-8")):
        for line in snippet.text.splitlines():
            if line.startswith("make "):
                require_make_target(line, "CONTRIBUTING.md")


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md" or not page.exists():
            continue
        seen.add(page)
        links = (link.partition("#")[0] for link in _LINK.findall(text_of(page)) if "://" not in link)
        waiting += [(page.parent / link).resolve() for link in links if link]
    wanted = {path for name, path in PAGES.items() if name.startswith("docs/")}
    assert wanted - seen == set()


def test_anchors_are_made_as_forges_make_them() -> None:
    assert anchors("# A title, with `code`\n```sh\n# no title\n```\n") == {"a-title-with-code"}
