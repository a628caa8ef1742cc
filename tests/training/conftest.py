import sys
from pathlib import Path

# Worker processes get this path too: the toy task is given to them by name.
sys.path.insert(0, str(Path(__file__).parent))
