"""The server's arguments with those of a patch, flag by flag: `--max-num-seqs=4` replaces that flag and no other.

A patch whose first argument is no flag, such as the script of a shell, replaces the whole list.
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence

from elastometer.model.document import Document
from elastometer.model.schema import shown
from elastometer.model.server_flags import server_flags
from elastometer_serverflags.flag import Flag
from elastometer_serverflags.reader import pieces
from elastometer_serverflags.standin import standin_flags
from elastometer_serverflags.table import vllm_flags


def args_merged(args: Sequence[str], patch: Sequence[str], target: Document) -> list[str]:
    """The arguments, in the order of `args`: a flag stands where the one that it replaces stood, a new one at the end.
    `target` is `spec.target` with everything else of the patch applied: it tells which server reads the flags."""
    if not _is_by_flag(patch):
        return list(patch)
    flags = _flags_of(target, [*args, *patch])
    found, result = list(pieces(patch, flags)), list[str]()
    seen: set[str] = set()
    replaced = {piece.name for piece in found}
    for piece in pieces(args, flags):
        if piece.name is None or piece.name not in replaced:
            result += piece.args
        elif piece.name not in seen:
            seen.add(piece.name)
            result += [arg for new in found if new.name == piece.name for arg in new.args]
    return result + [arg for new in found if new.name not in seen for arg in new.args]


def args_flaws(patch: Sequence[str], target: Document, path: str) -> Iterator[str]:
    """What of a patch belongs to no flag, so that nothing says what it would replace."""
    if _is_by_flag(patch):
        for piece in pieces(patch, _flags_of(target, patch)):
            if piece.name is None:
                yield f"{path}[{piece.place}]: must be a flag or its value, is {shown(piece.args[0])}"


def _is_by_flag(patch: Sequence[str]) -> bool:
    return bool(patch) and patch[0].startswith("-") and patch[0] not in ("-", "--")


def _flags_of(target: Document, args: Sequence[str]) -> tuple[Flag, ...]:
    server = target.get("server")
    whole = {**target, "server": {**(server if isinstance(server, dict) else {}), "args": list(args)}}
    return standin_flags() if server_flags(whole).is_standin else vllm_flags()
