"""What was tested and how it was loaded, as parts of a benchmark report."""
from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import polars as pl

from elastometer.analysis.run import DerivedRun
from elastometer.interchange.figures import digest, without_nothing
from elastometer.model.document import at, document_at, documents_at, spec_of, text_at
from elastometer.model.observation import ObjectKind, ObjectSeen
from elastometer.model.report import Report
from elastometer.model.server_flags import flags_of_test
from elastometer.model.terms import StageWindow
from elastometer.model.under_test import GPU_PRODUCT

Json = dict[str, Any]
TENSOR_PARALLEL, PIPELINE_PARALLEL = "--tensor-parallel-size", "--pipeline-parallel-size"


def stack_part(run: DerivedRun, report: Report, window: tuple[float, float]) -> list[Json]:
    """The model server and the autoscaler."""
    return [_server(run, report, window), *_autoscaler(run)]


def _server(run: DerivedRun, report: Report, window: tuple[float, float]) -> Json:
    """An `inference_engine` where the type of its GPUs is known, which that kind requires; otherwise `generic`."""
    target = document_at(spec_of(run.evidence.spec), "target")
    image, _, tag = (run.bundle.terms.image or "unknown").rpartition(":")
    tool = {"tool": image or tag, "tool_version": tag if image else "unknown"}
    ready = [value for time, value in run.replicas.ready.points if time < window[1]]
    before = run.replicas.ready.value_at(window[0])
    most = int(max([*ready, *([] if before is None else [before])], default=0))
    accelerator = _accelerator(run, report, most)
    model = {"name": report.model or "unknown"}
    known = {"kind": "inference_engine", **tool, "role": "replica", "replicas": most, "model": model,
             "accelerator": accelerator}
    generic = {"kind": "generic", **tool, "role": "replica", "replicas": most, "model": model}
    return {
        "metadata": {"label": "model-server", "cfg_id": digest(target),
                     "description": "replicas is the most that were Ready in the stage; the autoscaler changed them"},
        "standardized": known if accelerator is not None and most > 0 else generic,
        "native": {"config": dict(target)},
    }


def _accelerator(run: DerivedRun, report: Report, replicas: int) -> Json | None:
    products = {text_at(seen.object, "metadata", "labels", GPU_PRODUCT) for seen in run.bundle.observations
                if isinstance(seen, ObjectSeen) and seen.kind is ObjectKind.NODE} - {None}
    gpus = None if report.price is None else report.price.gpus_per_replica
    if len(products) != 1 or not gpus:
        return None
    flags = flags_of_test(run.evidence.spec)
    parallel = {"tp": flags.whole(TENSOR_PARALLEL) or 1, "pp": flags.whole(PIPELINE_PARALLEL) or 1}
    return {"model": products.pop(), "count": gpus * replicas, "parallelism": parallel}


def _autoscaler(run: DerivedRun) -> list[Json]:
    served = document_at(run.bundle.provenance, "autoscaler")
    if not served:
        return []
    spec = document_at(served, "spec")
    kubernetes = text_at(run.bundle.provenance, "kubernetes", "gitVersion") or "unknown"
    return [{
        "metadata": {"label": "autoscaler", "cfg_id": digest(spec)},
        "standardized": {"kind": "generic", "tool": text_at(served, "kind") or "HorizontalPodAutoscaler",
                         "tool_version": kubernetes},
        "native": {"config": dict(spec)},
    }]


def load_part(run: DerivedRun, number: int, stage: StageWindow, requests: pl.DataFrame) -> Json | None:
    """The load of one stage. The format requires the length of the prompts: None where no request reports its own."""
    lengths = requests["prompt_tokens"].drop_nulls()
    if not len(lengths):
        return None
    load = document_at(spec_of(run.evidence.spec), "load")
    planned = next((item for item in documents_at(load, "stages") if at(item, "name") == stage.name), {})
    return {
        "metadata": {"cfg_id": digest(load),
                     "description": f"stage {stage.name} ({stage.type.value if stage.type else 'of a later version'})"},
        "standardized": without_nothing({
            "tool": "elastometer-load", "tool_version": version("elastometer"),
            "parallelism": run.bundle.terms.workers or 1, "source": _source(load), "stage": number,
            "input_seq_len": {"distribution": "other", "value": round(float(lengths.to_frame().mean().item()), 3),
                              "min": int(lengths.min()), "max": int(lengths.max())},  # type: ignore[arg-type]
            "rate_qps": _rate(stage), "concurrency": planned.get("concurrency"),
        }),
        "native": {"config": dict(load)},
    }


def _source(load: Mapping[str, Any]) -> str:
    """`sampled` where every task takes its prompts from a dataset; of others the format has no word."""
    tasks = documents_at(load, "tasks")
    return "sampled" if tasks and all("dataset" in task for task in tasks) else "unknown"


def _rate(stage: StageWindow) -> float | None:
    """The planned rate in the middle of the stage, which is its mean; None where no rate, or none above 0, is
    planned."""
    if stage.start_rate is None or stage.end_rate is None:
        return None
    return (stage.start_rate + stage.end_rate) / 2 or None
