"""What the arguments of one replica's container say about its server, from `spec.target`. Pure.

The container is the one that the operator builds, with the overlay of `server.podTemplate` applied.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from elastometer.model.bundle_files import STRUCK
from elastometer.model.document import EMPTY, Document, at, document_at, documents_at, spec_of, text_at, whole_at
from elastometer.model.names import SERVER
from elastometer_serverflags.command import server_arguments
from elastometer_serverflags.flag import Flag
from elastometer_serverflags.reader import Fault, Reading, read
from elastometer_serverflags.standin import PREFIX, from_environment, standin_flags
from elastometer_serverflags.table import RELEASE, vllm_flags
from elastometer_serverflags.words import UNKNOWN, Variables, Word

DEFAULT_PORT = 8000
MAX_NUM_SEQS, SHUTDOWN_TIMEOUT = "--max-num-seqs", "--shutdown-timeout"
MAX_NUM_ACTIVE_SEQS, DATA_PARALLEL_SIZE = "--max-num-active-seqs", "--data-parallel-size"
SERVED_MODEL_NAME, MODEL, PORT = "--served-model-name", "--model", "--port"
# What these mean is used for predictions and for the load, so they must be right whatever the release.
_USED = (MAX_NUM_SEQS, SHUTDOWN_TIMEOUT, SERVED_MODEL_NAME, PORT)
_LEAST = {MAX_NUM_SEQS: 1, SHUTDOWN_TIMEOUT: 0}
_MODEL_NAME = "spec.target.model.name"
_TEMPLATE = "spec.target.server.podTemplate.spec.containers"
_VERSION = re.compile(r"v?(\d+)\.(\d+)(?:[.+-].*)?")


@dataclass(frozen=True, slots=True)
class ServerFlags:
    """The flags of the server. `doubt` says, with its path, why there may be more than were read; None if there are
    none, so that a flag that is absent has its default. `misled` is the command of a shell that takes the model for its
    script."""

    image: str
    model: str
    is_standin: bool
    words: tuple[Word, ...]
    reading: Reading
    doubt: str | None
    misled: str | None = None

    def whole(self, name: str) -> int | None:
        """The value of a flag that takes a whole number; None if it was not given, or only the container knows it."""
        value = self.reading.value(name)
        return value if isinstance(value, int) else None

    def number(self, name: str) -> float | None:
        """As `whole`, for a flag that takes any number."""
        value = self.reading.value(name)
        return float(value) if isinstance(value, (int, float)) else None

    def text(self, name: str) -> str | None:
        """As `whole`, for a flag whose value is text."""
        value = self.reading.text(name)
        return None if value is None or UNKNOWN in value else value

    def unknown(self, name: str) -> str | None:
        """Why the value of a flag cannot be known, or None: then it is as given, or else the server's default."""
        given = self.reading.last(name)
        if given is None:
            return self.doubt
        hidden = any(UNKNOWN in value for value in given.values)
        return f"{self.path(name)}: {name} has a variable whose value is not known" if hidden else None

    @property
    def slots(self) -> int | None:
        """How many requests one replica runs at once, if the flags state it. The stand-in has one engine and ignores
        the other flags that vLLM has for this."""
        stated = [self.whole(name) for name in (MAX_NUM_SEQS, *(() if self.is_standin else (MAX_NUM_ACTIVE_SEQS,)))]
        known = [value for value in stated if value is not None]
        return None if self.unknown_slots is not None else min(known, default=None)

    @property
    def unknown_slots(self) -> str | None:
        """Why the flags do not state the slots, or None: then they are `slots`, or else the server's default."""
        if not self.is_standin and (engines := self.whole(DATA_PARALLEL_SIZE) or 1) > 1:
            return f"{self.path(DATA_PARALLEL_SIZE)}: {engines} engines share the requests of a replica"
        return self.unknown(MAX_NUM_SEQS)

    def path(self, name: str) -> str:
        """Where the flag is given; where it could be, if it is not."""
        given = self.reading.last(name)
        return "spec.target.server.args" if given is None else self.words[given.place].path

    @property
    def served_model(self) -> str:
        """The name that requests must use, and that metrics and answers carry."""
        given = self.reading.last(SERVED_MODEL_NAME)
        first = given.values[:1] if given else ()
        named = (self.text(MODEL), *(self.reading.positionals[:1] if self.doubt is None else ()))
        return next((name for name in (*first, *named) if name and UNKNOWN not in name), self.model)

    @property
    def knows_all(self) -> bool:
        """Whether the server is of the one release that is known in every detail, as the stand-in is."""
        return self.is_standin or _release(self.image) == RELEASE

    def flaws(self, port: int) -> Iterator[str]:
        """What the server would certainly refuse, and what the probes and the load could not reach."""
        if self.misled is not None:
            yield (f"{self.misled}: must contain the script of its shell, since the operator puts the model before the "
                   f"args, so that the shell runs {self.model!r}")
        for fault in self.reading.faults:
            if UNKNOWN not in fault.text and (self.knows_all or _is_certain(fault)):
                yield f"{self.words[fault.place].path}: {fault.text}"
        for name, least in _LEAST.items():
            value = self.number(name)
            if value is not None and not value >= least:  # written this way round so that NaN is refused too
                yield f"{self.path(name)}: {name} must be at least {least}, is {value:g}"
        stated = self.whole(PORT)
        if stated is not None and stated != port:
            yield (f"{self.path(PORT)}: {PORT} must be spec.target.server.port ({port}), to which the load and the "
                   f"probes go, is {stated}")


def server_flags(target: Document) -> ServerFlags:
    """The flags of `spec.target`. Never fails: what the server would refuse is among the `flaws`."""
    server, place, overlay = document_at(target, "server"), *container_overlay(target)
    image = text_at(overlay, "image") or text_at(server, "image") or ""
    variables = _variables(overlay)
    found = server_arguments(
        _words(overlay, place, "command", list(_listed(server, "command", "spec.target.server"))),
        _words(overlay, place, "args", own_arguments(target)), variables)
    is_standin = _is_standin(image, target, overlay, found.words)
    set_by = [Word(text, f"{_TEMPLATE}[{place}].env ({name})") for text, name in from_environment(
        {name: variables.text(name) or "" for name in variables.values})]
    words = (*set_by, *found.words) if is_standin else found.words
    flags: tuple[Flag, ...] = standin_flags() if is_standin else vllm_flags()
    reading = read([word.text for word in words], flags)
    return ServerFlags(image, text_at(target, "model", "name") or "", is_standin, words, reading, found.doubt,
                       _misled(overlay, place) if found.script == _MODEL_NAME else None)


def _misled(overlay: Document, place: int) -> str:
    return f"{_TEMPLATE}[{place}].command" if "command" in overlay else "spec.target.server.command"


def flags_of_test(test: Document) -> ServerFlags:
    """The flags of an ElasticityTest."""
    return server_flags(document_at(spec_of(test), "target"))


def own_arguments(target: Document) -> list[Word]:
    """Arguments of the container before the overlay: model and port first, then the user's, so that the user's win."""
    port = whole_at(target, "server", "port") or DEFAULT_PORT
    revision = text_at(target, "model", "revision")
    return [
        Word(text_at(target, "model", "name") or "", _MODEL_NAME),
        Word(f"{PORT}={port}", "spec.target.server.port"),
        *([Word(f"--revision={revision}", "spec.target.model.revision")] if revision else []),
        *_listed(document_at(target, "server"), "args", "spec.target.server"),
    ]


def container_overlay(target: Document) -> tuple[int, Document]:
    """The place of the server's container in the overlay, and what is overlaid; empty if there is none."""
    containers = documents_at(target, "server", "podTemplate", "spec", "containers")
    return next(((index, one) for index, one in enumerate(containers) if one.get("name") == SERVER), (0, EMPTY))


def _listed(owner: Document, key: str, path: str) -> Iterator[Word]:
    found = at(owner, key)
    for index, item in enumerate(found if isinstance(found, list) else ()):
        # What was struck out of a recorded test is no longer known, and what is no text is the API server's to refuse.
        text = item.replace(STRUCK, UNKNOWN) if isinstance(item, str) else UNKNOWN
        yield Word(text, f"{path}.{key}[{index}]")


def _words(overlay: Document, place: int, key: str, own: list[Word]) -> list[Word]:
    """A list of the overlay replaces ours, and null removes it."""
    if key not in overlay:
        return own
    return list(_listed(overlay, key, f"{_TEMPLATE}[{place}]"))


def _variables(overlay: Document) -> Variables:
    """The variables that the overlay sets. Those that the operator sets itself are known in the container only."""
    values: dict[str, str | None] = {"POD_NAME": None, "HF_HOME": None}
    has_others = bool(at(overlay, "envFrom"))
    for one in documents_at(overlay, "env"):
        text = text_at(one, "value") if "valueFrom" not in one else None
        known = Variables(values, has_others).expanded(text or "") if "valueFrom" not in one else UNKNOWN
        values[text_at(one, "name") or ""] = None if UNKNOWN in known or STRUCK in known else known
    return Variables(values, has_others)


def _is_standin(image: str, target: Document, overlay: Mapping[str, object], words: tuple[Word, ...]) -> bool:
    """Whether this is the stand-in: by its own flags, by its program, or by its image."""
    own = list(_listed(document_at(target, "server"), "command", ""))
    program = [word.text for word in _words(overlay, 0, "command", own)]
    texts = [word.text.replace("_", "-") for word in words]
    return "standin" in image.rpartition("/")[2] or any(text.startswith(PREFIX) for text in texts) or \
        any("elastometer-standin" in text.replace("_", "-") for text in program)


def _release(image: str) -> tuple[int, int] | None:
    """The release of vLLM that an image's tag names; None for an image of another name, or a tag that names none."""
    name, _, tag = image.partition("@")[0].rpartition("/")[2].partition(":")
    found = _VERSION.fullmatch(tag)
    return (int(found[1]), int(found[2])) if found and name.startswith("vllm-openai") else None


def _is_certain(fault: Fault) -> bool:
    """Whether every release of vLLM refuses this: a value of a flag that all have, of the same type in all."""
    return fault.flag is not None and fault.flag.name in _USED
