import sys
from pathlib import Path

# Builders that several test files share.
sys.path.insert(0, str(Path(__file__).parent))
