from pathlib import Path

import pytest

from dwcp.cli.session import Session
from dwcp.cli.tables import table_for, tables_by_task
from dwcp.errors import InputError


def test_a_file_goes_to_the_only_task_or_to_the_one_that_is_named():
    assert tables_by_task(["a"], ["x.parquet"]) == {"a": Path("x.parquet")}
    assert tables_by_task(["a"], ["odd=name.parquet"]) == {"a": Path("odd=name.parquet")}
    assert tables_by_task(["a", "b"], ["b=x", "a=y=z"]) == {"a": Path("y=z"), "b": Path("x")}


@pytest.mark.parametrize(("given", "said"), [(["x"], "TASK=x"), (["a=x", "a=y"], "two tables")])
def test_which_task_a_file_is_for_must_be_clear(given, said):
    with pytest.raises(InputError, match=said):
        tables_by_task(["a", "b"], given)


def test_the_measured_table_of_the_home_is_taken_when_none_is_given(tmp_path):
    session = Session()
    session.home_flag = tmp_path
    assert table_for(session, "compression", None) is None
    session.table("compression").parent.mkdir()
    session.table("compression").touch()
    assert table_for(session, "compression", None) == session.table("compression")


def test_a_table_that_cannot_be_read_is_an_error(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        table_for(Session(), "compression", tmp_path / "none.parquet")
    with pytest.raises(InputError, match="is a folder"):
        table_for(Session(), "compression", tmp_path)
