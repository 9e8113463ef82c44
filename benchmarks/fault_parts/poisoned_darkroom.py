"""darkroom with a decoder process that misbehaves as its files say; started by `poison`."""

import sys
from pathlib import Path

from darkroom.batch import decoder
from darkroom.cli import main

WORKER = Path(__file__).parents[2] / "tests" / "batch" / "poison_worker.py"

if __name__ == "__main__":
    decoder.COMMAND = (sys.executable, "-P", "-B", str(WORKER))  # -P as darkroom has it
    main()
