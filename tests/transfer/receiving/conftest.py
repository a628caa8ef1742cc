import sys
from pathlib import Path

# A small sender and trees that several test files share.
sys.path.insert(0, str(Path(__file__).parent))
