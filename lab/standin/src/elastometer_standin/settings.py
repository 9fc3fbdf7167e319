"""Startup settings of one stand-in server, and the formulas for how long its work takes.

No clock and no I/O: `cli` parses the settings and `server` acts on them.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from elastometer_standin.troubles.conditions import Condition
from elastometer_standin.troubles.pauses import Pauses


class ShutdownMode(enum.Enum):
    """What SIGTERM does."""

    NORMAL = "normal"
    """As vLLM: abort at once, or drain for `--shutdown-timeout` seconds."""
    HANG = "hang"
    """The process ends without FIN or RST, as when a Pod's network is torn down first."""


class DrainRejection(enum.Enum):
    """The reply to a request that arrives while the server drains."""

    ERROR = "500"
    """HTTP 500, as seen on vLLM 0.32."""
    ABORT = "abort"
    """HTTP 200 whose only choice has finish_reason `abort`, the other outcome that vLLM's code allows."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the simulated accelerator works. It can be replaced while the server runs."""

    prefill_tokens_per_second: float = 8000.0
    prefill_overhead_ms: float = 15.0
    """Charged once per engine step in which at least one request begins its prefill."""
    decode_ms_per_token: float = 25.0
    """Length of a decode step with one running sequence."""
    decode_slowdown: float = 0.0
    """Growth of the decode step per further running sequence: 0.01 makes 101 sequences twice as slow."""
    cpu_ms_per_token: float = 0.0
    """CPU time that the process really spends on each generated token, for autoscalers on CPU."""

    def decode_seconds(self, sequences: int) -> float:
        """Length of the decode part of a step in which this many sequences decode."""
        if sequences == 0:
            return 0.0
        return self.decode_ms_per_token / 1000.0 * (1.0 + self.decode_slowdown * (sequences - 1))

    def prefill_seconds(self, tokens: int, *, begins: bool) -> float:
        """Length of the prefill part of a step; `begins` where a request begins its prefill in it.

        With `begins` it is also the time to first token of a prompt this long on an idle server, without the network.
        """
        overhead = self.prefill_overhead_ms / 1000.0 if begins else 0.0
        return overhead + tokens / self.prefill_tokens_per_second

    def cpu_seconds(self, tokens: int) -> float:
        """CPU time, not wall time: a step of 40 ms with 10 ms of CPU time waits for the other 30 ms."""
        return tokens * self.cpu_ms_per_token / 1000.0


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """vLLM's scheduler arguments."""

    max_num_seqs: int = 256
    max_num_batched_tokens: int = 2048
    num_gpu_blocks: int = 4096
    block_size: int = 16
    max_model_len: int = 32768
    max_num_queued_reqs: int | None = None
    max_num_queued_tokens: int | None = None


DEFAULT_STARTUP: Mapping[str, float] = MappingProxyType(
    {
        "import": 2.0,
        "config": 0.5,
        "download": 0.0,
        "weights": 3.0,
        "compile": 2.0,
        "profile": 1.0,
        "graphs": 1.5,
        "http": 0.2,
    }
)
"""Seconds of each start-up phase, in the order in which vLLM goes through them."""


@dataclass(frozen=True, slots=True)
class Startup:
    """Start-up phases in seconds; `jitter` 0.1 varies each by up to 10 %, by an amount that the host's name fixes."""

    seconds: Mapping[str, float] = field(default_factory=lambda: DEFAULT_STARTUP)
    jitter: float = 0.0


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """How much memory to hold: always, per stream and per request; and how long it is kept when streams end."""

    base_mebibytes: float = 0.0
    kibibytes_per_stream: float = 0.0
    leak_kibibytes_per_request: float = 0.0
    return_seconds: float = 0.0

    @property
    def is_empty(self) -> bool:
        """Whether nothing is held at all."""
        return not (self.base_mebibytes or self.kibibytes_per_stream or self.leak_kibibytes_per_request)


GPU_MEMORY_UTILIZATION = 0.92
"""vLLM's default: the share of a GPU's memory that it reserves at its start."""


@dataclass(frozen=True, slots=True)
class Hardware:
    """What the server seems to run on."""

    memory: MemoryPlan = field(default_factory=MemoryPlan)
    gpu_memory_gibibytes: float = 0.0
    """Memory of the GPU that /metrics shows; 0 shows none."""
    api_servers: int = 1
    cores: int | None = None
    """The cores that the API servers share; None is enough of them."""
    pauses: Pauses = field(default_factory=Pauses)

    @property
    def step_factor(self) -> float:
        """How many times as long each engine step takes as with a core for every API server."""
        return 1.0 if self.cores is None else max(1.0, self.api_servers / self.cores)

    @property
    def is_undisturbed(self) -> bool:
        """Whether each engine step takes just the time of its work."""
        return self.step_factor == 1.0 and self.pauses.seconds <= 0


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of one server."""

    model: str = "Qwen/Qwen2.5-0.5B-Instruct"
    served_model_names: tuple[str, ...] = ()
    host: str = "0.0.0.0"
    port: int = 8000
    api_keys: tuple[str, ...] = ()
    shutdown_timeout_seconds: float = 0.0
    enforce_eager: bool = False
    track_load: bool = False
    limits: EngineLimits = field(default_factory=EngineLimits)
    pace: Pace = field(default_factory=Pace)
    startup: Startup = field(default_factory=Startup)
    faults: Mapping[str, float] = field(default_factory=dict)
    conditions: Mapping[str, Condition] = field(default_factory=dict)
    """Under which circumstances a fault may strike, by its name."""
    fault_seed: int = 0
    delay_seconds: float = 1.0
    """How long the fault `delay` keeps a request from the queue."""
    hardware: Hardware = field(default_factory=Hardware)
    download_once: str | None = None
    """A folder that keeps the weights: only a start that does not find them there downloads them."""
    label_words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By label, the words in a prompt that speak for it."""
    json_schema: dict[str, Any] | None = None
    """What prompts that speak of JSON are answered with, where the request names no format."""
    answer_tokens: int = 128
    """Mean natural length of an answer; a request's own lies between half and one and a half of it."""
    shutdown_mode: ShutdownMode = ShutdownMode.NORMAL
    drain_rejection: DrainRejection = DrainRejection.ERROR
    access_log: bool = False
    log_prefix: bool = False
    pod_name: str = "localhost"
    ignored_flags: tuple[str, ...] = ()
    """vLLM flags that were accepted and have no effect here."""

    @property
    def model_name(self) -> str:
        """The name in replies and in the `model_name` label: the first served name."""
        return self.names[0]

    @property
    def names(self) -> tuple[str, ...]:
        """All names under which the model is served."""
        return self.served_model_names or (self.model,)
