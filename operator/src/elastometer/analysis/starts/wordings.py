"""The lines of vLLM's log that end a phase of its start, as its releases word them.

The wording changes between releases. Each row names the first and the last release whose source prints it; all from
0.6 to 0.33 were read. What happens in one release may be absent in another, and in one start of a release: an eager
server compiles nothing.
"""
from __future__ import annotations

import re
from dataclasses import dataclass

from elastometer.model.milestones import Milestone

# "5.92 s", "3.1 seconds", "12 secs"; a line without a duration still ends its phase.
_TOOK = r"(?:(?P<took>\d+(?:\.\d+)?) ?s(?:ec(?:ond)?s?)?\b)?"
# Since 0.32 a line about a compilation begins with the name of the model's part that is compiled.
_PART = r"(?:\[(?P<part>[\w-]+)\] )?"
_RELEASE = r"(?P<release>\d[\w.+]*)"
OLDEST, NEWEST = "0.6.0", "0.33.0"


@dataclass(frozen=True, slots=True)
class Wording:
    """A line that ends a phase, and the releases from `first` to `last` that print it.

    A duration that the line states tells when something began. `begins` is the milestone of that instant, if the phase
    follows it at once; `spans` is the same for a line that sums up several phases.
    """

    milestone: Milestone
    regex: re.Pattern[str]
    first: str = OLDEST
    last: str = NEWEST
    begins: Milestone | None = None
    spans: Milestone | None = None


def _row(milestone: Milestone, regex: str, first: str = OLDEST, last: str = NEWEST, *,
         begins: Milestone | None = None, spans: Milestone | None = None) -> Wording:
    return Wording(milestone, re.compile(regex), first, last, begins, spans)


_COMPILE = Milestone.COMPILE_STARTED
_BUILT = Milestone.MODEL_BUILT
GRAPH_COMPILED = _row(Milestone.COMPILED, _PART + r"Compiling a graph for .*? takes " + _TOOK, "0.6.5", begins=_COMPILE)
GRAPH_LOADED = _row(Milestone.COMPILED, _PART + r"Directly load the compiled graph(?:.*? took " + _TOOK + ")?", "0.7.3",
                    begins=_COMPILE)
COMPILATION_LOADED = _row(Milestone.COMPILED, _PART + r"Directly load AOT compilation from path", "0.11.1")
COMPILATION_DONE = _row(Milestone.COMPILED, _PART + r"torch\.compile (?:and initial profiling/warmup run together )?"
                        r"t(?:akes|ook) " + _TOOK, "0.6.5", begins=_COMPILE)
WARMED = _row(Milestone.PROFILED, _PART + r"Initial profiling/warmup run took " + _TOOK, "0.18.0")
WEIGHTS_FETCHED = _row(Milestone.DOWNLOADED, r"Time spent downloading weights for .*?: " + _TOOK, "0.7.3",
                       begins=_BUILT)
CONFIGURED = _row(Milestone.CONFIGURED, r"Initializing an? (?:V\d+ )?LLM engine(?: \(v" + _RELEASE + r"\))?")
# What came before it was about the model itself.
DRAFT_BEGUN = _row(Milestone.WEIGHTS_LOADED, r"Loading drafter model", "0.8.5")
WOKEN = _row(Milestone.WOKEN, r"It took " + _TOOK + " to wake up", "0.7.3")

WORDINGS: tuple[Wording, ...] = (
    _row(Milestone.ARGUMENTS_PARSED, r"vLLM API server version " + _RELEASE, last="0.14.0"),
    _row(Milestone.ARGUMENTS_PARSED, r"vLLM server version " + _RELEASE + r"|█\s+version " +
         _RELEASE.replace("release", "shown"), "0.16.0"),
    _row(Milestone.ARGUMENTS_PARSED, r"\bargs: Namespace\(", last="0.8.5"),
    _row(Milestone.ARGUMENTS_PARSED, r"non-default args: ", "0.9.0"),
    _row(Milestone.MODEL_RESOLVED, r"This model supports multiple tasks: ", "0.6.4", "0.9.2"),
    _row(Milestone.MODEL_RESOLVED, r"Resolved architecture: ", "0.10.2"),
    _row(Milestone.MODEL_RESOLVED, r"Using max model len \d", "0.9.2"),
    CONFIGURED,
    _row(Milestone.WORKER_STARTED, r"Worker ready; awaiting tasks", last="0.10.2"),
    _row(Milestone.WORKER_STARTED, r"world_size=\d+ rank=\d+ local_rank=-?\d+ distributed_init_method=", "0.11.1"),
    _row(Milestone.DISTRIBUTED, r"rank \d+ in world size \d+ is assigned as ", "0.8.0"),
    _row(Milestone.LOAD_STARTED, r"Starting to load model "),
    _row(_BUILT, r"Initializing model took " + _TOOK, "0.32.0", spans=Milestone.LOAD_STARTED),
    WEIGHTS_FETCHED,
    _row(Milestone.WEIGHTS_LOADED, r"Loading model weights took ", last="0.8.0"),
    _row(Milestone.WEIGHTS_LOADED, r"Loading weights took " + _TOOK, "0.8.0", begins=_BUILT),
    _row(Milestone.WEIGHTS_LOADED, r"Model loading took(?:.*?\b(?:and|in) " + _TOOK + ")?", "0.8.0",
         spans=Milestone.LOAD_STARTED),
    DRAFT_BEGUN,
    _row(Milestone.COMPILED, _PART + r"Dynamo bytecode transform time: " + _TOOK, "0.6.5", begins=_COMPILE),
    GRAPH_COMPILED, GRAPH_LOADED, COMPILATION_LOADED, COMPILATION_DONE, WARMED,
    _row(Milestone.PROFILED, r"Memory profiling t(?:akes|ook) " + _TOOK, "0.6.5", "0.10.2",
         begins=Milestone.ENGINE_BEGUN),
    _row(Milestone.PROFILED, r"Memory profiling results: ", "0.6.4", "0.6.4"),
    _row(Milestone.PROFILED, r"Available KV cache memory: ", "0.9.2"),
    _row(Milestone.PROFILED, r"(?:Explicitly|Auto) set \(.*\) GiB for KV cache", "0.20.0"),
    _row(Milestone.CACHE_SIZED, r"# \w+ blocks: \d", last="0.11.0"),
    _row(Milestone.CACHE_SIZED, r"\b[A-Z]PU KV cache size: ", "0.8.0"),
    _row(Milestone.CAPTURE_STARTED, r"Capturing (?:the model for CUDA graphs|cudagraphs for decoding)", last="0.10.2"),
    _row(Milestone.GRAPHS_CAPTURED, r"[Gg]raph capturing finished in " + _TOOK, begins=Milestone.CAPTURE_STARTED),
    _row(Milestone.GRAPHS_CAPTURED, r"Encoder CUDA graph capture complete", "0.19.0"),
    _row(Milestone.ENGINE_READY, r"init engine \(.*?\) took " + _TOOK, "0.6.5", spans=Milestone.ENGINE_BEGUN),
    _row(Milestone.ROUTES_READY, r"Starting vLLM (?:API )?server (?:\d+ )?on ", "0.7.3"),
    _row(Milestone.HTTP_UP, r"Application startup complete"),
    WOKEN,
)
ASLEEP = re.compile(r"It took \S+ seconds to fall asleep")
ABORTING = re.compile(r"aborting in-flight requests.*?count=(\d+)")
