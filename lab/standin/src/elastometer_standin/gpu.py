"""The GPU that the stand-in seems to have, in the gauges of NVIDIA's dcgm-exporter.

Of its families those that the operator reads (https://docs.nvidia.com/datacenter/dcgm/latest/gpu-telemetry/).
vLLM reserves a fixed share of the memory at its start, so the memory in use does not follow the load.
"""

from elastometer_standin.metrics import Family, Value
from elastometer_standin.settings import GPU_MEMORY_UTILIZATION

MEBIBYTES_PER_GIBIBYTE = 1024
USED_HELP, FREE_HELP = "Framebuffer memory used (in MiB).", "Framebuffer memory free (in MiB)."
BUSY_HELP = "GPU utilization (in %)."


class Gpu:
    """The gauges of one GPU with this much memory."""

    def __init__(self, gibibytes: float, pod_name: str) -> None:
        labels = (("gpu", "0"), ("UUID", "GPU-stand-in"), ("device", "nvidia0"), ("modelName", "stand-in"),
                  ("Hostname", pod_name))
        total = gibibytes * MEBIBYTES_PER_GIBIBYTE
        used = float(round(total * GPU_MEMORY_UTILIZATION))
        self._busy = Value()
        gauges = {
            "DCGM_FI_DEV_FB_USED": (USED_HELP, Value(used)),
            "DCGM_FI_DEV_FB_FREE": (FREE_HELP, Value(total - used)),
            "DCGM_FI_DEV_GPU_UTIL": (BUSY_HELP, self._busy),
        }
        self.families = [Family(name, "gauge", text, {labels: value}) for name, (text, value) in gauges.items()]

    def show(self, *, is_busy: bool) -> None:
        """Whether a kernel runs at this instant: of a sampled gauge the mean is the share of the time."""
        self._busy.value = 100.0 if is_busy else 0.0
