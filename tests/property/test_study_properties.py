"""Studies: patches compose as RFC 7386 says, flags are merged by what the server reads, every run is planned once, and
no study that the API server would take crashes the operator."""
from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from elastometer.model.document import document_at
from elastometer.model.errors import SpecError
from elastometer.model.merge_patch import merged, patch_between
from elastometer.model.schema import defaulted, flaws
from elastometer.model.study import MAX_RUNS, Order, run_count, tuned_variant
from elastometer.model.study_parse import parse_study
from elastometer.study.variants.accepted import accepted_study, run_manifest
from elastometer.study.variants.planned_runs import planned_runs
from elastometer.study.variants.server_args import args_merged
from elastometer_serverflags.reader import pieces, read
from elastometer_serverflags.standin import standin_flags
from elastometer_serverflags.table import vllm_flags
from support.studies import study_body

CRD = Path(__file__).parents[2] / "manifests/crd/elasticitystudy.yaml"
LEAVES = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "None", "--max-num-seqs=2"])
KEYS = st.sampled_from(["a", "b", "target", "server", "args", "autoscaler", "type", "horizontalPodAutoscaler", "load"])
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4))
OBJECTS = st.dictionaries(KEYS, JSON, max_size=4)


def without_nulls(node: Any) -> Any:
    """What a merge patch can make: an object without a null at any depth, outside of lists."""
    if not isinstance(node, dict):
        return node
    return {key: without_nulls(item) for key, item in node.items() if item is not None}


@given(OBJECTS, OBJECTS)
def test_a_patch_between_two_documents_leads_from_one_to_the_other(old: dict[str, Any], new: dict[str, Any]) -> None:
    clean = without_nulls(new)
    assert merged(old, patch_between(old, clean)) == clean
    assert patch_between(clean, clean) == {}


@given(OBJECTS, OBJECTS)
def test_a_patch_that_was_applied_changes_nothing_when_it_is_applied_again(old: Any, patch: Any) -> None:
    once = merged(old, patch)
    assert merged(once, patch) == once


VALUES = {"--max-num-seqs": ("4", "8"), "--max-model-len": ("4096", "2K"), "--seed": ("1", "-1"),
          "--gpu-memory-utilization": ("0.9", ".5"), "--served-model-name": ("a", "b")}
SWITCHES = {"--enable-prefix-caching": ("--enable-prefix-caching", "--no-enable-prefix-caching",
                                        "--enable_prefix_caching"),
            "--enforce-eager": ("--enforce-eager", "--no-enforce-eager")}


@st.composite
def arguments(draw: st.DrawFn) -> list[str]:
    """Some flags, each at most once, in any order and spelling."""
    args: list[str] = []
    for name in draw(st.lists(st.sampled_from([*VALUES, *SWITCHES]), unique=True, max_size=5)):
        if name in SWITCHES:
            args.append(draw(st.sampled_from(SWITCHES[name])))
        else:
            value, written = draw(st.sampled_from(VALUES[name])), draw(st.sampled_from([name, name.replace("-", "_")]))
            written = "--" + written[2:].lstrip("_")
            args += draw(st.sampled_from(([f"{written}={value}"], [written, value])))
    return args


def said(args: list[str]) -> dict[str, tuple[tuple[str, ...], bool]]:
    """What the server reads of each flag."""
    return {one.flag.name: (one.values, one.is_on) for one in read(args, vllm_flags()).given}


@given(arguments(), arguments())
def test_the_server_reads_of_each_flag_what_the_patch_says_or_else_what_the_template_says(
    args: list[str], patch: list[str],
) -> None:
    target = {"model": {"name": "m"}, "server": {"image": "vllm/vllm-openai:v0.33.0"}}
    made = args_merged(args, patch, target)
    if patch:
        assert said(made) == {**said(args), **said(patch)}
        assert args_merged(made, patch, target) == made
    else:
        assert made == []


WORDS = st.lists(st.sampled_from(["--", "-", "-O3", "-O", "3", "-1", "--x", "--x.y=1", "--seed", "--seed=1", "word",
                                  "-tp", "--max", "--no-enforce-eager", "a b", "--seed 1", "", "--lora-modules"]),
                 max_size=8)


@given(WORDS, st.sampled_from([vllm_flags(), standin_flags()]))
def test_the_pieces_of_any_arguments_are_all_of_them_in_their_order(args: list[str], flags: Any) -> None:
    found = list(pieces(args, flags))
    assert [arg for piece in found for arg in piece.args] == args
    assert [args[piece.place] for piece in found] == [piece.args[0] for piece in found]


@given(st.integers(1, 6), st.integers(1, 5), st.sampled_from(Order), st.integers(0, 99), st.integers(0, 3))
def test_every_repetition_of_every_variant_is_planned_once_in_any_order(
    variants: int, repetitions: int, order: Order, seed: int, tuned: int,
) -> None:
    spec: dict[str, Any] = {"repetitions": repetitions, "order": order.value, "seed": seed, "warmup": "Run"}
    if tuned:
        spec["tune"] = {"from": "v0", "confirm": tuned}
    study = parse_study(study_body(*({"name": f"v{number}"} for number in range(variants)), name="s", **spec))
    found = [] if study.tune is None else [tuned_variant(study.tune, number + 1, {}) for number in range(tuned)]
    runs = planned_runs(study, found)
    assert len({run.name for run in runs}) == len(runs) == run_count(study)
    assert {(run.variant, run.repetition) for run in runs[1:]} == {
        (name, number + 1) for name in [*(one.name for one in study.variants), *(one.name for one in found)]
        for number in range(repetitions)}
    assert [run.repetition for run in runs[1:variants * repetitions + 1]] == (
        [number + 1 for _ in range(variants) for number in range(repetitions)] if order is Order.SEQUENTIAL else
        [number + 1 for number in range(repetitions) for _ in range(variants)])


@lru_cache(maxsize=1)
def schema() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(CRD.read_text())["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return dict(found["properties"]["spec"])


def fitting(node: dict[str, Any]) -> st.SearchStrategy[Any]:
    """What fits a part of the schema, in small numbers."""
    if "enum" in node:
        return st.sampled_from(node["enum"])
    if "x-kubernetes-int-or-string" in node:
        alone = {key: value for key, value in node.items() if key != "x-kubernetes-int-or-string"}
        return st.one_of(fitting({**alone, "type": "integer"}), fitting({**alone, "type": "string"}))
    match node["type"]:
        case "string":
            low, high = node.get("minLength", 0), node.get("maxLength", 99)
            if "pattern" not in node:
                return st.text(min_size=low, max_size=min(low + 5, high))
            return st.from_regex(node["pattern"], fullmatch=True).filter(lambda text: low <= len(text) <= high)
        case "integer":
            low = node.get("minimum", 0)
            return st.integers(low, min(node.get("maximum", low + 5), low + 5))
        case "boolean":
            return st.booleans()
        case "array":
            return _lists(node)
    return _objects(node)


def _lists(node: dict[str, Any]) -> st.SearchStrategy[Any]:
    keys, low = node.get("x-kubernetes-list-map-keys", ()), node.get("minItems", 0)
    unique = (lambda item: tuple(item[key] for key in keys)) if keys else repr
    return st.lists(fitting(node["items"]), min_size=low, max_size=low + 1, unique_by=unique)


def _objects(node: dict[str, Any]) -> st.SearchStrategy[Any]:
    known, required = node.get("properties", {}), node.get("required", ())
    fixed = {name: fitting(known[name]) for name in required}
    optional = {name: fitting(child) for name, child in known.items() if name not in required}
    given = st.fixed_dictionaries(fixed, optional=optional)
    if not node.get("x-kubernetes-preserve-unknown-fields"):
        return given
    return st.tuples(OBJECTS, given).map(lambda pair: {**pair[0], **pair[1]})


@given(st.deferred(lambda: fitting(schema())))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_study_that_fits_the_schema_crashes_what_reads_it(spec: dict[str, Any]) -> None:
    filled = defaulted(spec, schema())
    assert list(flaws(filled, schema(), "spec")) == []
    body = {"metadata": {"name": "s", "namespace": "n", "uid": "u"}, "spec": filled}
    found: tuple[str, ...] = ()
    try:
        study = accepted_study(body)
    except SpecError as error:
        found = error.flaws
    if found:
        assert [flaw for flaw in found if not flaw.startswith("spec.") or ": " not in flaw] == []
        return
    assert run_count(study) <= MAX_RUNS
    for variant in study.variants:
        made = run_manifest(study, variant, planned_runs(study)[-1])
        assert document_at(made, "spec").keys() <= {*filled["template"], *variant.patch, "measurement"}
