"""The names of the quantities in `resources` of report.json: tables, findings and pages look them up by these."""
from __future__ import annotations

PROCESS_MEMORY, WORKING_SET, CONTAINER_RSS = "processMemory", "workingSet", "containerRSS"
PROCESS_CPU, CONTAINER_CPU, THROTTLED = "processCPU", "containerCPU", "throttled"
WAITING, RUNNING, KV_CACHE, PREEMPTIONS = "waiting", "running", "kvCache", "preemptions"
REJECTIONS, OPEN_FILES = "rejections", "openFiles"
GPU_MEMORY, GPU_MEMORY_SHARE, GPU_MEMORY_FILLED = "gpuMemory", "gpuMemoryShare", "gpuMemoryFilled"
GPU_UTILIZATION, NETWORK_RECEIVED, NETWORK_SENT = "gpuUtilization", "networkReceived", "networkSent"

# How many there were is what counts, and not how many a second.
COUNTED = (PREEMPTIONS, REJECTIONS)
