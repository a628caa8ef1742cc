import json
from pathlib import Path

from dwcp.cli.reference import main, pages

STANDING = Path(__file__).parents[2] / "docs" / "reference"


def test_the_reference_in_the_repository_is_fresh():
    assert main(["--check", str(STANDING)]) == 0


def test_what_is_written_is_fresh_and_other_files_are_left_alone(tmp_path):
    (tmp_path / "block-format.md").write_text("by hand")
    assert main(["--write", str(tmp_path)]) == 0
    assert main(["--check", str(tmp_path)]) == 0
    assert (tmp_path / "block-format.md").read_text() == "by hand"
    assert {path.name for path in tmp_path.iterdir()} == {"block-format.md", *pages()}


def test_each_stale_or_missing_file_is_named(tmp_path, capsys):
    main(["--write", str(tmp_path)])
    (tmp_path / "cli.md").write_text("stale")
    (tmp_path / "telemetry.md").unlink()
    assert main(["--check", str(tmp_path)]) == 1
    said = capsys.readouterr().err.splitlines()
    assert said == [
        f"{tmp_path / 'cli.md'} is stale: run make docs",
        f"{tmp_path / 'telemetry.md'} is stale: run make docs",
    ]


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main(["--write", str(tmp_path / "file")]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_other_words_show_the_usage(capsys):
    assert main(["--help"]) == 2
    assert "--write" in capsys.readouterr().err


def test_the_pages_do_not_depend_on_where_they_are_made(monkeypatch):
    before = pages()
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("DWCP_HOME", "/elsewhere")
    assert pages() == before


def test_every_command_and_option_is_in_the_page():
    page = pages()["cli.md"]
    for words in ("## `dwcp models promote`", "--target-accuracy SHARE", "| 3 | it was done, but", "```sh"):
        assert words in page


def test_the_schema_is_json():
    assert json.loads(pages()["telemetry.schema.json"])["title"] == "DWCP telemetry record"
