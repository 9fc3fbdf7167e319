"""JSON merge patches (RFC 7386): null deletes, an object is merged, everything else replaces. Pure; copies nothing that
it does not change."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]


def merged(target: Any, patch: Any) -> Any:
    """The target with the patch applied, as in section 2 of the RFC."""
    if not isinstance(patch, Mapping):
        return patch
    found = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = merged(found.get(key), value)
    return found


def patch_between(old: Mapping[str, Any], new: Mapping[str, Any]) -> Json:
    """The patch that makes `new` of `old`. Raises ValueError where `new` has a null, which no patch can set."""
    gone: Json = {key: None for key in old if key not in new}
    return gone | {key: _change(old, key, value) for key, value in new.items() if key not in old or old[key] != value}


def _change(old: Mapping[str, Any], key: str, value: Any) -> Any:
    if value is None:
        raise ValueError(f"{key} must not be null: in a merge patch, null deletes")
    if not isinstance(value, Mapping):
        return value
    before = old.get(key)
    return patch_between(before if isinstance(before, Mapping) else {}, value)
