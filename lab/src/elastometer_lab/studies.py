"""The studies of `manifests/studies` on a cluster: one after another, each followed to its end, its bundle fetched.

`make studies SIZE=smoke STUDY=limits` ends with `runs/studies/limits/report.html`.
"""
from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import yaml

from elastometer_lab.demo import VERDICTS, Cluster, make_namespace, prepare
from elastometer_lab.errors import LabError
from elastometer_lab.paths import REPOSITORY, Paths
from elastometer_lab.vllm import install
from elastometer_lab.vllm.server import import_image, on_vllm

NAMESPACE = "studies"
MANIFESTS = REPOSITORY / "manifests/studies"
OUT = REPOSITORY / "runs/studies"
# The one that says most in the least time comes first.
STUDIES = ("limits", "all-in-one", "cloud-autoscale")
# Those whose model the real engine of the lab stands for.
ON_VLLM = ("limits", "cloud-autoscale")
STANDIN, VLLM = "standin", "vllm"
SIZES = ("full", "staging", "smoke")
# Five replicas, and a run of one replica beside each further one that is made at the same time.
GPUS = 8
MINUTE_SECONDS = 60


def main(argv: Sequence[str] | None = None) -> int:
    """0 if every study was carried out, whatever its verdict; else the first code that says why not."""
    options = _parser().parse_args(argv)
    is_vllm = options.engine == VLLM
    try:
        if is_vllm:
            install.python()
        cluster = prepare(options.cluster, keda=False, gpus=GPUS)
        if is_vllm:
            import_image(Paths.from_environment())
    except LabError as error:
        print(f"studies: {error}", file=sys.stderr)
        return 4
    make_namespace(cluster, NAMESPACE)
    out = OUT / VLLM if is_vllm else OUT
    codes = [run_study(cluster, study, _manifest(study, options), out / study)
             for study in options.study or (ON_VLLM if is_vllm else STUDIES)]
    return next((code for code in codes if code), 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m elastometer_lab.studies", description=__doc__)
    parser.add_argument("--cluster", choices=("lab", "kind", "current"), default="lab", help="which cluster (lab)")
    parser.add_argument("--size", choices=SIZES, default="smoke", help="which size of each (smoke)")
    parser.add_argument("--engine", choices=(STANDIN, VLLM), default=STANDIN,
                        help="what serves the smoke size: the stand-in, or the build of vLLM for CPUs (standin)")
    parser.add_argument("--model-dir", type=Path, metavar="DIR", default=install.MODEL,
                        help="weights that vLLM serves (the tiny random model of `make vllm`)")
    parser.add_argument("--study", choices=STUDIES, action="append", help="only this one; may be repeated (all)")
    return parser


def manifest_of(study: str, size: str) -> Path:
    """The file of a study at one size."""
    return MANIFESTS / study / f"{size}.yaml"


def _manifest(study: str, options: argparse.Namespace) -> str:
    """The manifest as text; JSON is YAML."""
    text = manifest_of(study, options.size).read_text()
    if options.engine == STANDIN:
        return text
    return json.dumps(on_vllm(yaml.safe_load(text), weights=options.model_dir.resolve()), ensure_ascii=False)


def run_study(cluster: Cluster, name: str, manifest: str, out: Path) -> int:
    """Runs one study to its bundle in `out`, and says how long it took; 0 if it was carried out."""
    shutil.rmtree(out, ignore_errors=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "elastometer.cli.main", "run", "-", "--namespace", NAMESPACE,
               "--replace", "--out", str(out)]
    began = time.monotonic()
    environment = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig)}
    code = subprocess.run(command, input=manifest, text=True, env=environment, check=False).returncode
    minutes = (time.monotonic() - began) / MINUTE_SECONDS
    said = VERDICTS[code].partition(".")[0] if code in VERDICTS else "it was not carried out"
    print(f"studies: {name}: {minutes:.1f} minutes; `elastometer run` exits with {code}: "
          f"{said.removeprefix('which means that ')}; {out / 'report.html'}", flush=True)
    return 0 if code in VERDICTS else code


if __name__ == "__main__":
    sys.exit(main())
