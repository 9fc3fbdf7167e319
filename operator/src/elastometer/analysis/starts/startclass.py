"""The class of a start: what was there when the Pod began, by evidence. What nothing shows is unknown."""
from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from elastometer.analysis.evidence.pods import ImagePull, Seen
from elastometer.analysis.starts.enginemark import EngineMark
from elastometer.analysis.starts.loglines import without_colours
from elastometer.analysis.starts.wordings import (
    COMPILATION_LOADED,
    CONFIGURED,
    GRAPH_COMPILED,
    GRAPH_LOADED,
    WEIGHTS_FETCHED,
)
from elastometer.model.document import Document, documents_at, text_at
from elastometer.model.milestones import Milestone
from elastometer.model.names import SERVER
from elastometer.model.observation import LogSeen
from elastometer.model.start_class import ClassifiedStart, Ingredient, Presence, StartClass, StartFact
from elastometer.model.units import SECOND, go_duration_or_none

# A process that is older than its Pod came from elsewhere. No clocks of one cluster differ by as much as this.
OLDER_THAN_ITS_POD = 30 * SECOND
# vLLM 0.31 and later. The restored process writes to no log, so that nothing else shows it.
_SNAPSHOT = re.compile(r"\bsnapshot\s+restore\b")
_CRIU_RESTORED = re.compile(r"Restore finished successfully")
_SIZE = re.compile(r"Image size: (\d+) bytes")
# Bytes per second, compressed: more than a node pulls and unpacks.
FASTEST_PULL = 2_000_000_000
_EAGER = re.compile(r"Enforce eager set|enforce_eager(?:': |=)True")
# In the line of the arguments it stands as it was given; a URL is replaced by a folder of the cache afterwards.
_MODEL = re.compile(r"\bmodel(?:_tag)?['\"]?(?:=|: )(?P<quote>['\"])(?P<name>.+?)(?P=quote)")
_STREAMED_TO = "/model_streamer/"
_MODELSCOPE = re.compile(r"Downloading Model from https://\S*modelscope")
_MODELSCOPE_FETCHED = re.compile(r"Downloading \[[^\]]+\.(?:safetensors|bin|pt|pth|gguf)\]")
_FORMAT = re.compile(r"\bload_format=(?:LoadFormat\.)?(?P<name>\w+)")
_MAPPED = re.compile(r"Mapped \d+ tensors from the weight cache daemon")
# Loaders that take what is not on the node from a model hub, and say how long that took.
_HUB_FORMATS = frozenset({"auto", "safetensors", "fastsafetensors", "pt", "npcache", "hf", "mistral", "bitsandbytes"})
_NO_WEIGHTS = "dummy"
_NUMBER = re.compile(r"\d+")
# The kind of line that states a download; vLLM writes it for downloads of half a second and more.
_STATES_DOWNLOADS = "0.7.3"
_STATES_COMPILATIONS = "0.6.5"


def is_older_than_its_pod(process: Seen | None, created: Seen | None) -> bool:
    """Whether the server's process began so long before its Pod that it cannot have begun in it."""
    return (process is not None and created is not None
            and created.instant - process.instant >= OLDER_THAN_ITS_POD)


@dataclass(frozen=True, slots=True)
class Traces:
    """What a start left: instants, the marks and the `lines` of its log up to where HTTP answered, the event about the
    image, the start that the process exports, and the Pod."""

    used: Mapping[Milestone, Seen]
    marks: Sequence[EngineMark]
    lines: Sequence[LogSeen]
    pull: ImagePull | None
    process: Seen | None
    pod: Document


def classify(traces: Traces) -> ClassifiedStart:
    """The class with its facts. A woken or restored start needed nothing of what the facts are about."""
    texts = [without_colours(line.line) for line in traces.lines]
    marks = traces.marks
    facts = (
        _image(traces.pull), StartFact(Ingredient.WEIGHTS, *_weights_evidence(marks, texts)),
        StartFact(Ingredient.COMPILATION, *_compilation_evidence(traces.used, marks, texts)),
    )
    restored, woken = _restored(traces, texts), _woken(marks)
    if restored is not None:
        return ClassifiedStart(StartClass.RESTORED, facts, restored)
    if woken is not None:
        return ClassifiedStart(StartClass.WOKEN, facts, woken)
    return ClassifiedStart(_class(*(fact.presence for fact in facts)), facts)


def _class(image: Presence, weights: Presence, compilation: Presence) -> StartClass:
    if image is Presence.UNKNOWN:
        return StartClass.UNKNOWN
    if image is Presence.ABSENT:
        return StartClass.COLD
    if weights is not Presence.PRESENT:
        return StartClass.IMAGE_PRESENT
    return StartClass.COMPILE_CACHED if compilation is Presence.PRESENT else StartClass.WEIGHTS_CACHED


def _image(pull: ImagePull | None) -> StartFact:
    if pull is None:
        return StartFact(Ingredient.IMAGE, Presence.UNKNOWN, "no event about the image was seen")
    if pull.took is not None and _is_only_confirmed(pull):
        return StartFact(Ingredient.IMAGE, Presence.PRESENT, f"only confirmed by the registry, in {pull.took} (event)")
    if pull.took is not None:
        return StartFact(Ingredient.IMAGE, Presence.ABSENT, f"pulled in {pull.took} (event)")
    if pull.was_present:
        return StartFact(Ingredient.IMAGE, Presence.PRESENT, "already present (event)")
    return StartFact(Ingredient.IMAGE, Presence.UNKNOWN, f"the event says neither: {pull.message}")


def _is_only_confirmed(pull: ImagePull) -> bool:
    """With the pull policy Always, the kubelet reports a pull although the node has every layer."""
    size, took = _SIZE.search(pull.message), go_duration_or_none(pull.took)
    return size is not None and took is not None and int(size.group(1)) * SECOND > FASTEST_PULL * max(took, 1)


def _weights_evidence(marks: Sequence[EngineMark], texts: Sequence[str]) -> tuple[Presence, str]:
    fetched = [mark.stated for mark in marks if mark.wording is WEIGHTS_FETCHED]
    if fetched:
        return Presence.ABSENT, f"downloaded in {sum(stated or 0 for stated in fetched) / SECOND:.1f} s (log)"
    if any(_MODELSCOPE.search(text) for text in texts):
        return _modelscope_evidence(texts)
    if any(_MAPPED.search(text) for text in texts):
        return Presence.PRESENT, "mapped from a weight cache on the node (log)"
    loader = (_found(_FORMAT, "name", texts) or "auto").lower()
    if loader == _NO_WEIGHTS:
        return Presence.NOT_NEEDED, "random weights (log)"
    if all(mark.milestone is not Milestone.WEIGHTS_LOADED for mark in marks):
        return Presence.UNKNOWN, "no line about weights was seen"
    return _weights_by_place(_found(_MODEL, "name", texts), _found(CONFIGURED.regex, "release", texts), loader)


def _modelscope_evidence(texts: Sequence[str]) -> tuple[Presence, str]:
    """Its own client, which shows a bar for each file that it fetches."""
    if any(_MODELSCOPE_FETCHED.search(text) for text in texts):
        return Presence.ABSENT, "downloaded from ModelScope (log)"
    return Presence.UNKNOWN, "ModelScope does not log whether it fetched anything"


def _weights_by_place(model: str | None, release: str | None, loader: str) -> tuple[Presence, str]:
    if model is not None and "://" in model:
        return Presence.ABSENT, f"read from {model} (log)"
    if model is not None and _STREAMED_TO in model:
        return Presence.ABSENT, "streamed from an object store (log)"
    if model is not None and model.startswith("/"):
        return Presence.PRESENT, f"read from the path {model} (log)"
    if loader not in _HUB_FORMATS:
        return Presence.UNKNOWN, f"the loader {loader} does not log whether it fetched anything"
    if release is None or not _is_at_least(release, _STATES_DOWNLOADS):
        return Presence.UNKNOWN, f"vLLM {release or 'of an unknown release'} may download without a line about it"
    return Presence.PRESENT, f"vLLM {release} logs downloads, and logged none"


def _compilation_evidence(used: Mapping[Milestone, Seen], marks: Sequence[EngineMark],
                          texts: Sequence[str]) -> tuple[Presence, str]:
    compiled = sum(mark.wording is GRAPH_COMPILED for mark in marks)
    loaded = sum(mark.wording in (GRAPH_LOADED, COMPILATION_LOADED) for mark in marks)
    if compiled:
        return Presence.ABSENT, f"{compiled} compiled, {loaded} loaded from a cache (log)"
    if loaded:
        return Presence.PRESENT, f"{loaded} loaded from a cache, none compiled (log)"
    if any(mark.milestone is Milestone.COMPILED for mark in marks):
        return Presence.UNKNOWN, "the log does not say whether the graphs came from a cache"
    if any(_EAGER.search(text) for text in texts):
        return Presence.NOT_NEEDED, "an eager server compiles nothing (log)"
    release = _found(CONFIGURED.regex, "release", texts)
    whole = Milestone.WEIGHTS_LOADED in used and Milestone.HTTP_UP in used
    if whole and release is not None and _is_at_least(release, _STATES_COMPILATIONS):
        return Presence.NOT_NEEDED, f"vLLM {release} logs compilations, and logged none"
    return Presence.UNKNOWN, "no line about a compilation was seen"


def _restored(traces: Traces, texts: Sequence[str]) -> str | None:
    process, created = traces.process, traces.used.get(Milestone.CREATED)
    if Milestone.READY in traces.used and _SNAPSHOT.search(_command(traces.pod)):
        return "the container runs `snapshot restore` (Pod)"
    if any(_CRIU_RESTORED.search(text) for text in texts):
        return "CRIU restored the process (log)"
    if process is None or created is None or not is_older_than_its_pod(process, created):
        return None
    return f"the process is {(created.instant - process.instant) / SECOND:.0f} s older than its Pod (Prometheus)"


def _command(pod: Document) -> str:
    servers = (one for one in documents_at(pod, "spec", "containers") if text_at(one, "name") == SERVER)
    words = (part for one in servers for key in ("command", "args") for part in _texts(one.get(key)))
    return " ".join(words)


def _texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _woken(marks: Sequence[EngineMark]) -> str | None:
    """Engines of one Pod wake side by side, parts of one engine one after another."""
    took: Counter[str] = Counter()
    for mark in marks:
        if mark.milestone is Milestone.WOKEN:
            took[mark.process] += mark.stated or 0
    return f"woken in {max(took.values()) / SECOND:.1f} s (log)" if took else None


def _found(regex: re.Pattern[str], group: str, texts: Sequence[str]) -> str | None:
    return next((match.group(group) for text in texts if (match := regex.search(text)) and match.group(group)), None)


def _is_at_least(release: str, other: str) -> bool:
    return _numbers(release) >= _numbers(other)


def _numbers(release: str) -> list[int]:
    return [int(number) for number in _NUMBER.findall(release)[:3]]
