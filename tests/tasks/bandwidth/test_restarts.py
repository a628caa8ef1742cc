"""A process that is killed while it writes what it learned: the file is whole, and nothing kept is lost."""

import subprocess
import sys
from pathlib import Path
from random import Random

from dwcp.tasks.bandwidth.predictor import BandwidthPredictor

_KEEPER = """
import sys
from pathlib import Path
from dwcp.tasks.bandwidth.predictor import BandwidthPredictor
file, predictor = Path(sys.argv[1]), BandwidthPredictor()
if file.exists():
    predictor.load(file)
second = int(sys.argv[2])
while True:
    second += 1
    predictor.update(50.0 + second % 9, now=float(second))
    predictor.predict(now=float(second))
    predictor.save(file)
    print(second, flush=True)
"""


def killed(file: Path, began: int, steps: int) -> int:
    """The last step that was kept for sure by a process that is killed after so many."""
    words = [sys.executable, "-c", _KEEPER, str(file), str(began)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as keeper:
        assert keeper.stdout is not None
        for _ in range(steps):
            keeper.stdout.readline()
        keeper.kill()
        left = keeper.stdout.read().splitlines()
    return int(left[-1]) if left and left[-1].isdigit() else began + steps


def test_a_process_killed_at_any_moment_leaves_a_file_that_the_next_one_goes_on_from(tmp_path: Path) -> None:
    file, kept, rng = tmp_path / "state" / "forecasts.json", 0, Random(4)
    for _ in range(2):
        kept = killed(file, kept, rng.randrange(2, 40))
        again = BandwidthPredictor()
        again.load(file)
        forecast = again.predict(now=float(kept))
        assert forecast.steps in (min(60, kept), min(60, kept + 1))
        assert 45 < forecast.action.next_step.mid < 65
        assert "stale" not in forecast.notes
