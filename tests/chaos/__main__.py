"""`python -m tests.chaos FILE`: the sums of what CHAOS_TABLE=FILE has gathered."""

import sys
from pathlib import Path

from tests.chaos import tally

sys.stdout.write(tally.read(Path(sys.argv[1])).table() + "\n")
