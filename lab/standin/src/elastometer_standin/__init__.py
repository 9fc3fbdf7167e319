"""A stand-in for vLLM 0.33: it queues, batches, counts, logs and shuts down the way vLLM does, without a model.

It imports nothing of elastometer, so that what measures it cannot share a mistake with it. Start reading at `engine`
(the scheduler, pure), then `server` (the engine in real time) and `__main__` (start-up, serving, shutdown).
docs/standin.md says what is imitated and where the stand-in differs from vLLM.
"""

VLLM_VERSION = "0.33.0"
"""The release whose names, log lines and behaviour are imitated."""
