import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

import dwcp
from dwcp.cli.app import app, main
from dwcp.cli.reference import every_command

GROUPS = {
    "dwcp simulate",
    "dwcp data",
    "dwcp models",
    "dwcp keys",
    "dwcp store",
    "dwcp predict",
    "dwcp watch",
    "dwcp rollout",
    "dwcp experiment",
    "dwcp shadow",
    "dwcp ops",
}
WANTED = {
    *("dwcp send", "dwcp receive", "dwcp sync"),
    *(f"dwcp keys {verb}" for verb in ("show", "token", "set-token", "export", "trust", "distrust")),
    *("dwcp demo", "dwcp measure", "dwcp train", "dwcp evaluate", "dwcp advise", "dwcp doctor"),
    *(f"dwcp store {verb}" for verb in ("init", "put", "get", "ls", "stats", "verify", "gc", "forget")),
    "dwcp store rebuild-index",
    "dwcp store passphrase",
    *("dwcp predict bandwidth", "dwcp watch link", "dwcp watch nodes", "dwcp watch etcd", "dwcp detect"),
    *("dwcp simulate compression", "dwcp simulate links", "dwcp data validate"),
    *("dwcp serve", "dwcp shadow validate"),
    *(f"dwcp rollout {verb}" for verb in ("start", "status", "approve", "advance", "rollback")),
    *(f"dwcp rollout {verb}" for verb in ("kill", "revive", "history")),
    *(f"dwcp experiment {verb}" for verb in ("start", "status", "analyze", "stop", "list")),
    *(f"dwcp ops {what}" for what in ("dashboards", "alerts", "systemd")),
    *(f"dwcp models {verb}" for verb in ("list", "show", "verify", "promote", "rollback", "diff", "export")),
}
COMMANDS = dict(every_command(get_command(app), "dwcp"))


def python(*words, **more):
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=120, **more)


def test_every_promised_command_is_there():
    assert set(COMMANDS) >= WANTED | GROUPS


@pytest.mark.parametrize("path", sorted(set(COMMANDS) - GROUPS))
def test_every_command_has_an_example_of_itself_in_its_help(path, run):
    assert f"For example: {path} " in " ".join(COMMANDS[path].help.split()) + " "
    done = run(*path.split()[1:], "--help")
    assert done.status == 0
    assert "For example:" in done.out


def test_every_command_whose_result_a_machine_may_want_gives_json():
    deeds = {f"dwcp models {verb}" for verb in ("promote", "rollback", "export", "publish")}
    deeds |= {"dwcp store passphrase"}
    deeds |= {f"dwcp keys {verb}" for verb in ("token", "set-token", "export", "trust", "distrust")}
    silent = {
        path
        for path, command in COMMANDS.items()
        if path not in GROUPS and not any("--json" in param.opts for param in command.params)
    }
    assert silent == deeds


def test_without_words_the_help_is_shown(capsys):
    assert main([]) == 0
    assert "Exit status" in capsys.readouterr().out


def test_a_group_without_a_command_shows_its_help_and_says_nothing_else(run):
    done = run("models")
    assert done.status == 2
    assert "rollback" in done.out
    assert done.err == ""


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"dwcp {dwcp.__version__}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nonsense"], "no such command 'nonsense'"),
        (["measure"], "missing argument"),
        (["advise", "x", "--bandwidth-mbps", "fast"], "--bandwidth-mbps"),
        (["advise", "x", "--bandwidth-mbps", "-1"], "--bandwidth-mbps"),
        (["train", "compression", "--target-accuracy", "98"], "--target-accuracy"),
        (["models", "promote", "compression", "1.0.0"], "--why"),
    ],
)
def test_words_that_cannot_be_used_are_one_sentence_and_status_2(words, said, run):
    done = run(*words)
    assert said in done.sentence
    assert done.status == 2


def test_a_settings_file_that_cannot_be_read_is_one_sentence_but_help_still_works(tmp_path, capsys):
    words = ["--config", str(tmp_path / "none.toml"), "models", "list"]
    assert main(words) == 2
    assert "none.toml cannot be read" in capsys.readouterr().err
    assert main([*words, "--help"]) == 0


def test_a_setting_out_of_range_is_one_sentence(tmp_path, capsys):
    (tmp_path / "dwcp.toml").write_text("cpu_workers = 0\n")
    assert main(["--config", str(tmp_path / "dwcp.toml"), "doctor"]) == 2
    assert "cpu_workers" in capsys.readouterr().err


def test_flags_win_over_the_environment(tmp_path, monkeypatch, run, home):
    monkeypatch.setenv("DWCP_HOME", str(tmp_path / "other"))
    assert str(home / "registry") in run("models", "list").out


def raising(monkeypatch, error):
    def fail(*_args, **_more):
        raise error

    monkeypatch.setattr("dwcp.registry.Registry.list", fail)


def test_a_fault_of_the_program_is_one_sentence_and_its_traceback_is_kept(monkeypatch, run, home):
    raising(monkeypatch, ZeroDivisionError("by nothing\nsecond line"))
    done = run("models", "list")
    assert done.status == 1
    kept = next((home / "crash").iterdir())
    fault = "a fault of the program (ZeroDivisionError: by nothing)"
    assert done.sentence == f"{fault}; please report it with the traceback in {kept}"
    assert "models" in kept.read_text()
    assert "Traceback (most recent call last)" in kept.read_text()


def test_a_traceback_that_cannot_be_kept_is_said(monkeypatch, run, home):
    home.write_text("in the way")
    raising(monkeypatch, ZeroDivisionError("by nothing"))
    assert "--debug" in run("models", "list").sentence


def test_debug_shows_the_traceback(monkeypatch, run):
    raising(monkeypatch, ZeroDivisionError("by nothing"))
    assert "Traceback (most recent call last)" in run("--debug", "models", "list").err


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_anywhere_is_one_sentence(number, monkeypatch, run):
    raising(monkeypatch, OSError(number, os.strerror(number), "/some/file"))
    done = run("models", "list")
    assert done.sentence == "/some/file: the disk is full; free space, then run the same command again"
    assert done.status == 1


def test_an_interrupt_is_a_word_and_status_130(monkeypatch, run):
    raising(monkeypatch, KeyboardInterrupt())
    done = run("models", "list")
    assert done.status == 130
    assert done.sentence == "interrupted"


def test_a_reader_who_has_enough_is_no_error(tmp_path):
    script = "import sys; from dwcp.cli.app import main; sys.exit(main(sys.argv[1:]))"
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-c", script, "--home", str(tmp_path), "doctor", "--json"],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
    )
    os.close(writing)
    assert done.stderr == ""
    assert done.returncode != 0


def test_help_loads_nothing_heavy():
    heavy = {"numpy", "polars", "pyarrow", "pydantic_settings", "onnxruntime", "torch", "xgboost"}
    script = (
        "import sys; from dwcp.cli.app import main; main(['measure', '--help']); "
        f"print(sorted({heavy!r} & set(sys.modules)), file=sys.stderr)"
    )
    assert python("-c", script).stderr == "[]\n"


def test_models_advise_and_doctor_work_without_the_training_extra(tmp_path):
    (tmp_path / "file").write_bytes(b"some words " * 1000)
    script = (
        "import sys\n"
        "for name in ('torch', 'xgboost', 'sklearn', 'onnx', 'onnxruntime'): sys.modules[name] = None\n"
        "from dwcp.cli.app import main\n"
        "home = ['--home', sys.argv[1]]\n"
        "assert main([*home, 'models', 'list']) == 0\n"
        "assert main([*home, 'models', 'verify']) == 0\n"
        "assert main([*home, 'doctor']) == 0\n"
        "assert main([*home, 'advise', sys.argv[2], '--bandwidth-mbps', '10']) == 0\n"
        "assert main([*home, 'train', 'compression']) == 1\n"
    )
    done = python("-c", script, str(tmp_path / "home"), str(tmp_path / "file"))
    assert done.returncode == 0, done.stderr
    assert "not installed" in done.stderr.splitlines()[-1]


def test_the_console_script_is_main():
    pyproject = Path(__file__).parents[2] / "pyproject.toml"
    assert 'dwcp = "dwcp.cli.start:main"' in pyproject.read_text()
