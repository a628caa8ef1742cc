import sys
from pathlib import Path

# The model links that several test files share.
sys.path.insert(0, str(Path(__file__).parent))
