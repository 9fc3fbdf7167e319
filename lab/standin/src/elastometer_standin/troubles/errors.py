"""What clients and logs see when the memory of the GPU runs out or the engine dies, in vLLM's and torch's words.

Load generators and operators search for them, so they are word for word, and the numbers in them mean nothing.
"""

from elastometer_standin import log

OUT_OF_MEMORY = (
    "CUDA out of memory. Tried to allocate 594.00 MiB. GPU 0 has a total capacity of 23.65 GiB of which 172.56 MiB is "
    "free. Process 1 has 23.47 GiB memory in use."
)
ENGINE_DEAD = "EngineCore encountered an issue. See stack trace (above) for the root cause."
_TORCH = f"torch.OutOfMemoryError: {OUT_OF_MEMORY}"
_DEAD = f"vllm.v1.engine.exceptions.EngineDeadError: {ENGINE_DEAD}"
_TRACE = "Traceback (most recent call last):"


def log_out_of_memory() -> None:
    """torch's line for one request."""
    _engine_error("gpu_model_runner.py:4466", _TORCH)


def log_death() -> None:
    """The lines of a vLLM whose engine ran out of memory: the engine's own trace, then the API server's."""
    for text in ("EngineCore encountered a fatal error.", _TRACE, _TORCH):
        _engine_error("core.py:1211", text)
    for text in ("AsyncLLM output_handler failed.", _TRACE, _DEAD):
        log.info("async_llm.py:773", text, level="ERROR")


def log_blocked_threads(api_servers: int, cores: int) -> None:
    """That more API servers than cores make each other wait."""
    text = f"{api_servers} API servers share {cores} cores: threads are blocked while others run"
    log.info("launcher.py:92", text, level="WARNING")


def _engine_error(source: str, text: str) -> None:
    log.info(source, text, process="EngineCore_DP0", level="ERROR")
