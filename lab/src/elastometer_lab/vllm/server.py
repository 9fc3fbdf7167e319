"""The real engine as a server in the lab: its image, and a manifest that is served by it in place of the stand-in.

The image has the system's libraries alone. Engine and model, 6.2 GB, are mounted from the host, read-only: in the lab
the node is the host.
"""
from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from elastometer_lab import images
from elastometer_lab.archive import Image
from elastometer_lab.paths import Paths
from elastometer_lab.pythonimages import IMAGE_PYTHON, base_layer
from elastometer_lab.vllm.install import HOME, MODEL, VERSION

Json = dict[str, Any]
IMAGE = f"docker.io/elastometer/vllm-cpu:{VERSION}"
# What PyTorch and the engine link to beyond Python.
PACKAGES = "python3,ca-certificates,libstdc++6,libgomp1,libnuma1"
SERVED_AS = "Qwen/Qwen2.5-0.5B-Instruct"
ENGINE, WEIGHTS = "/vllm", "/model"
# One thread and little cache, so that three replicas fit on two cores; no model hub is reachable from the lab.
ENVIRONMENT = {
    "PYTHONPATH": f"{ENGINE}/lib/python{IMAGE_PYTHON}/site-packages", "OMP_NUM_THREADS": "1",
    "VLLM_CPU_KVCACHE_SPACE": "1", "HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "HOME": "/tmp",
}
# Random weights love white space, and would fill a structured answer with it.
COMPACT = '--structured-outputs-config={"backend":"xgrammar","disable_any_whitespace":true}'
# 32,768 tokens of KV cache, which twenty requests of 1,536 fill: at the levels above, sequences are preempted.
ARGS = ("--enforce-eager", "--max-model-len=16384", "--num-gpu-blocks-override=2048",
        f"--served-model-name={SERVED_AS}", COMPACT)
# `vllm serve` looks for a distribution that the build for CPUs does not have.
# The operator puts the model's name before all flags; this entry takes it too, and serves what --model says.
MODULE = "vllm.entrypoints.openai.api_server"
# Of the stand-in's arguments, those that the engine has too and that say what is measured.
_KEPT = ("--max-num-seqs", "--max-num-batched-tokens", "--api-server-count", "--shutdown-timeout")


def import_image(paths: Paths) -> None:
    """Builds the image and brings it into the lab; what the lab has already is kept."""
    image = Image(IMAGE, (base_layer(paths.cache / "layers", PACKAGES),), entrypoint=("python3", "-m", MODULE),
                  environment=("PATH=/usr/local/bin:/usr/bin:/bin", "PYTHONUNBUFFERED=1", "LANG=C.UTF-8"),
                  working_directory="/tmp")
    images.import_images(paths, [images.Built(image, image.digest(images.architecture()))])


def on_vllm(manifest: Json, *, engine: Path = HOME, weights: Path = MODEL) -> Json:
    """The manifest with the engine as its server. What only the stand-in has is left out, and so are objectives on
    answers: random weights know no label, no fact and no end."""
    made = copy.deepcopy(manifest)
    spec = made["spec"].get("template", made["spec"])
    spec["target"] = {**spec["target"], "model": {"name": SERVED_AS},
                      "server": _server(spec["target"]["server"], engine, weights)}
    spec["load"]["connection"] = {"policy": "SpreadOverPods"}
    spec["objectives"] = [one for one in spec["objectives"] if one.get("indicator") != "AnswerCheck"]
    spec["measurement"]["readyDeadlineSeconds"] = 600
    for task in spec["load"].get("tasks", ()):
        if any(check["type"] == "JSONSchema" for check in task.get("checks", ())):
            task["responseFormat"] = "JSONSchema"
    return made


def _server(server: Json, engine: Path, weights: Path) -> Json:
    container = server["podTemplate"]["spec"]["containers"][0]
    kept = list(_kept(server["args"]))
    resources = {"requests": {"cpu": "300m", "memory": "1Gi"},
                 "limits": {**container["resources"]["limits"], "memory": "4Gi"}}
    if "cpu" in resources["limits"]:
        resources["limits"]["cpu"] = resources["requests"]["cpu"] = "600m"
    mounts = [{"name": "engine", "mountPath": ENGINE, "readOnly": True},
              {"name": "weights", "mountPath": WEIGHTS, "readOnly": True}, {"name": "shm", "mountPath": "/dev/shm"}]
    volumes = [{"name": "engine", "hostPath": {"path": str(engine), "type": "Directory"}},
               {"name": "weights", "hostPath": {"path": str(weights), "type": "Directory"}},
               {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "512Mi"}}]
    environment = [{"name": name, "value": value} for name, value in ENVIRONMENT.items()]
    return {
        "image": IMAGE.removeprefix("docker.io/"),
        "command": ["python3", "-m", MODULE],
        "args": [f"--model={WEIGHTS}", *ARGS, *kept],
        "startupSeconds": 600,
        "terminationGracePeriodSeconds": 60,
        "podTemplate": {"spec": {
            "enableServiceLinks": False,
            "containers": [{**container, "env": environment, "resources": resources, "volumeMounts": mounts}],
            "volumes": volumes,
        }},
    }


def _kept(args: Sequence[str]) -> Iterator[str]:
    for arg in args:
        if arg.partition("=")[0] in _KEPT:
            yield arg
