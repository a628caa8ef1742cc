import json
import multiprocessing

from dwcp.safety.json_lines import append_lines, locked, read_lines


def _append(file, name, times):
    for number in range(times):
        with locked(file):
            append_lines(file, [{"who": name, "number": number, "pad": "x" * 500}])


def test_several_processes_write_one_file(tmp_path):
    file = tmp_path / "lines.jsonl"
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_append, args=(file, name, 40)) for name in "abc"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    found = read_lines(file, dict)
    assert (len(found.lines), found.bad, found.torn) == (120, (), False)
    assert json.loads(file.read_text().splitlines()[0])["number"] == 0
    assert read_lines(file, dict, found.end).lines == ()


def test_a_torn_line_is_one_bad_line_among_good_ones(tmp_path):
    file = tmp_path / "lines.jsonl"
    append_lines(file, [{"number": 1}])
    with file.open("ab") as torn:
        torn.write(b'{"num')
    found = read_lines(file, dict)
    assert (found.lines, found.bad, found.torn) == (({"number": 1},), (), True)
    append_lines(file, [{"number": 2}])
    rest = read_lines(file, dict, found.end)
    assert (rest.lines, rest.bad, rest.torn) == (({"number": 2},), (1,), False)
