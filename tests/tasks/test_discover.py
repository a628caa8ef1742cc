import subprocess
import sys
from pathlib import Path

import pytest

import dwcp.tasks
from dwcp.tasks import discover

CONTRACTS = sorted(file.parent.name for file in Path(dwcp.tasks.__path__[0]).glob("*/contract.py"))


def test_a_folder_with_a_task_is_a_task() -> None:
    tasks = discover()
    assert "compression" in tasks
    assert list(tasks) == sorted(tasks)


def test_a_folder_with_a_contract_alone_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("whole", "contract_only"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("")
    (tmp_path / "whole" / "task.py").write_text("TASK = 'the task'\n")
    monkeypatch.setattr(dwcp.tasks, "__path__", [str(tmp_path)])
    monkeypatch.syspath_prepend(str(tmp_path))
    assert discover() == {"whole": "the task"}
    for name in ("dwcp.tasks.whole", "dwcp.tasks.whole.task"):
        monkeypatch.delitem(sys.modules, name)


@pytest.mark.parametrize("name", CONTRACTS)
def test_a_contract_loads_nothing_heavy(name: str) -> None:
    heavy = ("numpy", "polars", "pyarrow", "onnxruntime", "torch", "xgboost", "sklearn", "pydantic")
    program = f"import sys, dwcp.tasks.{name}.contract; print([n for n in {heavy!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
