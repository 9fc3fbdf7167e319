"""The servers of the studies: a real vLLM, or the stand-in in a lab."""
from __future__ import annotations

from typing import Any

VLLM_IMAGE = "vllm/vllm-openai:v0.33.0"
VLLM_CPU_IMAGE = "vllm/vllm-openai-cpu:v0.33.0"
STANDIN_IMAGE = "elastometer/standin:0.1.0"
GPU = "nvidia.com/gpu"
# Keeps serving until the endpoints and the last scrape have caught up with the deletion of the Pod.
PRE_STOP = {"lifecycle": {"preStop": {"sleep": {"seconds": 5}}}}
# Seconds of each phase of a start of the stand-in.
STARTUP = "import=1,config=0.2,weights=1,compile=0.5,profile=0.2,graphs=0.3,http=0.1"


def standin(args: list[str], container: dict[str, Any]) -> dict[str, Any]:
    """`target.server` of the stand-in."""
    return {
        "image": STANDIN_IMAGE,
        "args": [*args, "--shutdown-timeout=10", f"--standin-startup={STARTUP}"],
        "terminationGracePeriodSeconds": 20,
        "podTemplate": _pod({**PRE_STOP, **container}),
    }


def vllm(image: str, args: list[str], container: dict[str, Any]) -> dict[str, Any]:
    """`target.server` of a real vLLM, with the time that its requests need to end."""
    return {
        "image": image,
        "args": [*args, "--shutdown-timeout=60"],
        "startupSeconds": 900,
        "terminationGracePeriodSeconds": 90,
        "podTemplate": _pod({**PRE_STOP, **container}),
    }


def resources(requests: dict[str, str], limits: dict[str, str]) -> dict[str, Any]:
    """The resources of a container."""
    return {"resources": {"requests": requests, "limits": limits}}


def _pod(container: dict[str, Any]) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "server", **container}]}}
