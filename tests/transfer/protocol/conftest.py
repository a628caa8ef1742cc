"""Lets the tests of the protocol share what they are made of."""

import sys
from pathlib import Path

# Strategies and examples.
sys.path.insert(0, str(Path(__file__).parent))
