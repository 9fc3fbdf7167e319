"""`spec.load` -> Profile: rejects a load that cannot be carried out in a cluster, with path, rule and value.

The load generator's own parser defines what a profile means; this module adds the bounds of a run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from elastometer.model.errors import SpecError
from elastometer.model.names import PROFILE_KEY
from elastometer_loadgen.base.files import from_texts
from elastometer_loadgen.profile.inputs import files_of, with_files
from elastometer_loadgen.profile.profile import Profile, ProfileError, parse_profile

Json = dict[str, Any]
MAX_LOAD_SECONDS = 48 * 3600


def parse_load(load: Json, model: str) -> Profile:
    """The profile of a test whose files have not been read yet. Raises SpecError with every flaw found."""
    try:
        profile = parse_profile({**load, "model": model})
    except ProfileError as error:
        raise _spec_error(error) from error
    # How long a trace lasts and how many requests it has is known only once its file has been read.
    has_known_size = not any(stage.awaits_data for stage in profile.stages)
    if flaws := [*_file_flaws(profile, load), *(_size_flaws(profile) if has_known_size else ())]:
        raise SpecError(*flaws)
    return profile


def read_load(profile: Profile, files: Mapping[str, str]) -> Profile:
    """The profile with its files read from these texts, by name. Raises SpecError with every flaw found."""
    try:
        profile = with_files(profile, from_texts(files))
    except ProfileError as error:
        raise _spec_error(error) from error
    if flaws := list(_size_flaws(profile)):
        raise SpecError(*flaws)
    return profile


def _spec_error(error: ProfileError) -> SpecError:
    return SpecError(*(f"spec.load.{fault}" for fault in error.faults))


def _file_flaws(profile: Profile, load: Json) -> Iterator[str]:
    for path, name in files_of(profile):
        if "filesFrom" not in load:
            yield (f"spec.load.{path}: must be a key of the ConfigMap that spec.load.filesFrom names, which is absent; "
                   f"is {name}")
        elif name == PROFILE_KEY:  # both are keys of one ConfigMap, which the load Pods mount
            yield f"spec.load.{path}: must have another name than the profile, is {name}"


def _size_flaws(profile: Profile) -> Iterator[str]:
    if profile.duration_seconds > MAX_LOAD_SECONDS:
        seconds = profile.max_conversation_seconds
        bound = f", where a request that ends a stage takes {seconds} s" * profile.is_open_ended
        yield (f"spec.load.stages: must last at most {MAX_LOAD_SECONDS} s together, last "
               f"{'up to ' * profile.is_open_ended}{profile.duration_seconds:g} s{bound}")
    offered = float(sum(profile.requests_of(stage) for stage in profile.stages))
    if offered < 1:
        yield f"spec.load.stages: must offer at least 1 request, offer {offered:g}"
