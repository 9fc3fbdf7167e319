"""A stand-in for vLLM 0.33: it queues, batches, counts, logs and dies the way vLLM does, without a model."""

VLLM_VERSION = "0.33.0"
"""The release whose names, lines and manners are imitated."""
