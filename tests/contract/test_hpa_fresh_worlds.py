"""The real HPA controller against our model in worlds that nobody has seen yet; needs Go, so it may be skipped."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

COMPARE = Path(__file__).parent.parent / "oracle" / "compare.py"
WORLDS = 100
TOO_COLD = 3  # exit code of --warm-only


@pytest.mark.timeout(180)
def test_the_model_agrees_with_the_real_controller_in_fresh_worlds():
    seed = os.environ.get("ORACLE_SEED")
    command = (sys.executable, str(COMPARE), f"--worlds={WORLDS}", "--warm-only", *([f"--seed={seed}"] if seed else []))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == TOO_COLD:
        pytest.skip(f"THE REAL CONTROLLER WAS NOT ASKED: {done.stdout.strip()}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{WORLDS} worlds" in done.stdout
