"""A variant of a study -> the spec of the ElasticityTest that runs it. Pure.

A patch is a JSON merge patch with two additions: the server's arguments are merged flag by flag, and a patch that names
the type of autoscaler drops what belongs to other types. `kubectl apply` drops every null before the API server sees
it, so a patch to another autoscaler must not need one.
"""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elastometer.model.document import at, document_at, text_at
from elastometer.model.merge_patch import merged
from elastometer.model.study import StudySpec, Variant
from elastometer.study.variants.presets import SCALER_FIELDS, preset_patch
from elastometer.study.variants.server_args import args_merged

Json = dict[str, Any]
ARGS = ("target", "server", "args")


def variant_spec(study: StudySpec, variant: Variant) -> Json:
    """The template with the preset's patch and then the variant's own. Raises SpecError for a preset that does not suit
    the template."""
    base = study.template if variant.source is None else variant_spec(study, study.variant(variant.source))
    if variant.preset is not None:
        base = patched(base, preset_patch(base, variant.preset))
    return patched(base, variant.patch)


def patched(spec: Mapping[str, Any], patch: Mapping[str, Any]) -> Json:
    """The spec of a test with a patch applied."""
    new: Json = merged(spec, patch)
    given = document_at(patch, "autoscaler")
    if (kind := text_at(given, "type")) is not None:
        others = [field for of, field in SCALER_FIELDS.items() if of != kind and field not in given]
        new["autoscaler"] = {name: value for name, value in new["autoscaler"].items() if name not in others}
    args, more = args_at(spec), args_at(patch)
    if args is not None and more is not None:
        new["target"]["server"]["args"] = args_merged(args, more, document_at(new, "target"))
    return new


def args_at(spec: Mapping[str, Any]) -> list[str] | None:
    """The server's arguments in a spec or in a patch; None if there are none, or other things than texts among them."""
    found = at(spec, *ARGS)
    return found if isinstance(found, list) and all(isinstance(item, str) for item in found) else None
