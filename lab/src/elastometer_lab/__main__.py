"""Entry point of `python -m elastometer_lab`."""
from __future__ import annotations

import sys

from elastometer_lab.cli import main

if __name__ == "__main__":
    sys.exit(main())
