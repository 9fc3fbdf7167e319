"""A container's command and arguments -> those arguments that the server's own parser gets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from elastometer_serverflags.shell import commands
from elastometer_serverflags.words import UNKNOWN, Variables, Word

_SHELLS = {"sh", "bash", "dash", "ash", "zsh", "ksh"}
_SCRIPT = re.compile(r"-[a-z]*c[a-z]*")
_VLLM_MODULE = "vllm.entrypoints."
_STANDIN, _STANDIN_MODULE = "elastometer-standin", "elastometer_standin"


@dataclass(frozen=True, slots=True)
class ServerArguments:
    """What the parser gets. `doubt` says why there may be more, or None: then a flag that is absent has its default.
    `script` is where the script of a shell that starts no server is written."""

    words: tuple[Word, ...]
    doubt: str | None = None
    script: str | None = None


def server_arguments(command: Sequence[Word], args: Sequence[Word], variables: Variables) -> ServerArguments:
    """The arguments of the server in a container with this command, or with the image's own where it is empty."""
    whole = [replace(word, text=variables.expanded(word.text)) for word in (*command, *args)]
    start = _start([word.text for word in whole])
    if start is not None:
        return _found(whole[start:])
    shell = next((index for index, word in enumerate(whole) if _name(word.text) in _SHELLS), None)
    if shell is not None and (command or shell == 0):
        return _of_shell(whole[shell:], variables)
    if not command:
        return _found(whole)
    # A program of the user's own, which most probably hands its arguments on to the server.
    return ServerArguments(tuple(whole[len(command):]), f"{whole[0].path}: runs {whole[0].text}, which may add flags")


def _name(text: str) -> str:
    return text.rpartition("/")[2]


def _start(texts: Sequence[str]) -> int | None:
    """Where the arguments of the server begin, if the words start one."""
    for index, (text, following) in enumerate(zip(texts, [*texts[1:], ""], strict=False)):
        if _name(text) == "vllm" and following == "serve":
            return index + 2
        if text == "-m" and (following.startswith(_VLLM_MODULE) or following == _STANDIN_MODULE):
            return index + 2
        if _name(text) in (_STANDIN, "api_server.py"):
            return index + 1
        if _name(text) in _SHELLS:
            return None
    return None


def _found(words: Sequence[Word]) -> ServerArguments:
    """The arguments themselves. The stand-in takes the word `serve` as well."""
    kept = tuple(words[1:] if words and words[0].text == "serve" else words)
    # An argument that is not known as a whole may be any flag; one whose value is not known is only that.
    open_ones = [word for before, word in zip((None, *kept), kept, strict=False)
                 if word.text.startswith(UNKNOWN) and not (before and before.text.startswith("-"))]
    if open_ones:
        return ServerArguments(kept, f"{open_ones[0].path}: has a variable whose value is not known, and may add flags")
    config = next((word for word in kept if re.match(r"--config(=|$)", word.text)), None)
    said = None if config is None else f"{config.path}: names a file of further flags, which cannot be read"
    return ServerArguments(kept, said)


def _of_shell(words: Sequence[Word], variables: Variables) -> ServerArguments:
    """The arguments of the one server that a script starts."""
    shell = words[0]
    index = next((at for at, word in enumerate(words[1:], 1) if _SCRIPT.fullmatch(word.text)), None)
    script = next((at for at, word in enumerate(words) if index and at > index and word.text[:1] not in "-+"), None)
    if script is None:
        return ServerArguments((), f"{shell.path}: runs a script, which cannot be read")
    path = words[script].path
    positional = [word.text for word in words[script + 1:]]
    try:
        found = list(_servers(words[script].text, positional, variables))
    except ValueError:
        return ServerArguments((), f"{path}: is a script that cannot be read")
    if len(found) == 1:
        return _found([Word(text, path) for text in found[0]])
    number = "no known server" if not found else "a server in more than one place"
    return ServerArguments((), f"{path}: is a script that starts {number}", None if found else path)


def _servers(script: str, positional: Sequence[str], variables: Variables) -> Iterator[Sequence[str]]:
    for words in commands(script, positional, variables):
        start = _start(words)
        if start is not None:
            yield words[start:]
