from collections.abc import Callable

import pytest

from dwcp.task import Task
from dwcp.tasks import discover
from dwcp.tasks.conformance import CHECKS, MODEL_CHECKS, Trained, has_graph, train_tiny

TASKS = list(discover().values())
GRAPHS = [task for task in TASKS if has_graph(task)]


def _name(value: object) -> str:
    return str(getattr(value, "name", getattr(value, "__name__", value)))


@pytest.fixture(scope="session", params=GRAPHS, ids=_name)
def trained(request: pytest.FixtureRequest) -> Trained:
    return train_tiny(request.param)


def test_every_folder_is_a_task_of_its_name() -> None:
    assert TASKS
    assert list(discover()) == [task.name for task in TASKS]


@pytest.mark.parametrize("check", CHECKS, ids=_name)
@pytest.mark.parametrize("task", TASKS, ids=_name)
def test_task(task: Task, check: Callable[[Task], None]) -> None:
    check(task)


@pytest.mark.train
@pytest.mark.parametrize("check", MODEL_CHECKS, ids=_name)
def test_model(trained: Trained, check: Callable[[Trained], None]) -> None:
    check(trained)
