from pathlib import Path

import pytest

from dwcp.errors import SettingsError
from dwcp.settings import load_settings


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "dwcp.toml"
    path.write_text("cpu_workers = 3\nhint_deadline_ms = 7\n")
    return path


def test_file_then_environment_then_flags(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings(file).cpu_workers == 3
    monkeypatch.setenv("DWCP_CPU_WORKERS", "5")
    assert load_settings(file).cpu_workers == 5
    assert load_settings(file, cpu_workers=9).cpu_workers == 9
    assert load_settings(file, cpu_workers=None).cpu_workers == 5
    assert load_settings(file).hint_deadline_ms == 7


def test_yaml_is_read_as_well(tmp_path: Path) -> None:
    path = tmp_path / "dwcp.yaml"
    path.write_text("hint_deadline_ms: 0.5\n")
    assert load_settings(path).hint_deadline_ms == 0.5


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cpu_workers = 0", "cpu_workers"),
        ("colour = 'red'", "colour"),
        ("cpu_workers = [", "cannot be read"),
    ],
)
def test_a_bad_file_is_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "dwcp.toml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=words) as caught:
        load_settings(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value).split(": ")[0]


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(tmp_path / "none.toml")


def test_settings_are_frozen(file: Path) -> None:
    settings = load_settings(file)
    with pytest.raises(ValueError, match="frozen"):
        settings.cpu_workers = 2  # type: ignore[misc]
