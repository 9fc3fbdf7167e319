"""Bundles and studies on disk with reports that say what a test wants: made of the golden report, judged by nobody."""
from __future__ import annotations

import copy
import io
import json
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import zstandard

from support.studies import study_body

GOLDEN = Path(__file__).parents[1] / "golden/report.json"
NAMESPACE = "staging"
Json = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """What the report of one run says; None is what was not measured."""

    misses: int | None = 40
    gpu_seconds: float = 600
    verdict: str = "Fail"
    uid: str = ""
    schema: str | None = None
    tool: str | None = None


@lru_cache(maxsize=1)
def _golden() -> Json:
    found: Json = json.loads(GOLDEN.read_text())
    return found


def report_of(run: Run, uid: str) -> Json:
    """report.json of the run."""
    report = copy.deepcopy(_golden())
    report["uid"], report["verdict"], report["verdictMessage"] = run.uid or uid, run.verdict, "why"
    report["schemaVersion"] = run.schema or report["schemaVersion"]
    report["price"]["alternatives"][0].update(missSeconds=run.misses, missReason=None if run.misses else "no objective")
    report["price"]["paidGpuMilliseconds"] = round(run.gpu_seconds * 1000)
    return report


def spec_of(**changed: Any) -> Json:
    """spec.json of a run: the template of `support.studies`."""
    return {"metadata": {"name": "demo", "namespace": NAMESPACE},
            "spec": {**copy.deepcopy(study_body()["spec"]["template"]), **changed}}


def files_of(run: Run, uid: str, **spec: Any) -> dict[str, bytes]:
    """The files of a bundle by name: as much of one as a comparison reads."""
    manifest = {"schemaVersion": 2, "toolVersion": run.tool or version("elastometer"), "uid": uid, "files": []}
    documents = {"manifest.json": manifest, "spec.json": spec_of(**spec), "report.json": report_of(run, uid)}
    return {name: json.dumps(document).encode() for name, document in documents.items()}


def write_run(path: Path, run: Run | None = None, **spec: Any) -> Path:
    """The bundle of a run as a directory; each path has a uid of its own."""
    path.mkdir(parents=True)
    for name, content in files_of(run or Run(), f"uid-of-{path}", **spec).items():
        (path / name).write_bytes(content)
    return path


def write_runs(directory: Path, misses: Sequence[int | None], **spec: Any) -> Path:
    """A directory with a bundle for each of the objective-miss seconds."""
    for number, missed in enumerate(misses, 1):
        write_run(directory / f"r{number}", Run(missed), **spec)
    return directory


def archive_of(top: str, files: dict[str, bytes]) -> bytes:
    """The `.tar.zst` of a bundle."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(f"{top}/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return bytes(zstandard.compress(raw.getvalue()))


def study_record(runs: Sequence[Json], **spec: Any) -> Json:
    """study.json of a study with these runs."""
    body = study_body({"name": "queue"}, {"name": "cpu", "patch": {"autoscaler": {"horizontalPodAutoscaler": {
        "minReplicas": 3}}}}, **spec)
    return {"schemaVersion": 1, "study": {key: body["metadata"][key] for key in ("name", "namespace", "uid")},
            "spec": body["spec"], "runs": list(runs), "endReason": "AllRunsEnded"}


def run_entry(variant: str, repetition: int, **more: Any) -> Json:
    """A run in study.json, and in the status of a study."""
    return {"name": f"scalers-{variant}-{repetition}", "variant": variant, "repetition": repetition, "judged": True,
            "state": "Judged", "verdict": "Fail", **more}


def write_study(path: Path, misses: dict[str, Sequence[int]], **spec: Any) -> Path:
    """The bundle of a study: a run for each of the objective-miss seconds of each variant."""
    entries = [run_entry(variant, at) for variant, found in misses.items() for at in range(1, len(found) + 1)]
    path.mkdir(parents=True)
    (path / "study.json").write_text(json.dumps(study_record(entries, **spec)))
    for entry in entries:
        write_run(path / "runs" / entry["name"], Run(misses[entry["variant"]][entry["repetition"] - 1]))
    return path
