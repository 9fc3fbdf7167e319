"""A comparison on a terminal: what is shown of it, and how it fits."""
from __future__ import annotations

import io
from dataclasses import replace

from elastometer.cli.studies.text import print_comparison
from elastometer.model.comparison import Comparison
from elastometer.model.measures import MEASURES
from elastometer.model.study import Gate
from elastometer.model.tuning import PredictedFigure
from elastometer.study.compare.compare import compare
from elastometer.study.compare.terms import CompareTerms, VariantTerms
from support.comparisons import compared, runs

CALM, WORSE = {"missSeconds": (40.0, 41.0, 39.0)}, {"missSeconds": (80.0, 79.0, 81.0)}


def shown(found: Comparison, *, every: bool = False) -> str:
    stream = io.StringIO()
    print_comparison(found, stream, every=every)
    return stream.getvalue()


def on_one_line(text: str) -> str:
    return " ".join(text.split())


def test_the_verdict_comes_first_and_its_gate_is_not_repeated():
    found = compared({"queue": CALM, "cpu": WORSE}, Gate("missSeconds", percent=10))
    lines = shown(found).splitlines()
    assert lines[0] == "cpu against queue: Fail"
    assert on_one_line(shown(found)).count("+40 s (+37") == 1


def test_a_study_of_one_variant_is_against_nothing():
    assert shown(compared({"queue": CALM})).startswith("queue: Pass (")


def test_a_measure_without_a_difference_is_shown_only_if_it_leads_or_all_are_asked_for():
    same = {**CALM, "flaps": (1.0, 2.0, 1.0), "scaleIns": (0.0, 0.0, 0.0)}
    found = compared({"queue": same, "cpu": {**same, **WORSE}})
    assert "Flaps" not in shown(found)
    every = shown(found, every=True)
    assert "Flaps" in every
    assert "0 in every run: Scale-ins" in every


def test_the_baseline_has_no_mark_and_every_other_variant_has_one():
    row = next(line for line in shown(compared({"queue": CALM, "cpu": WORSE, "same": CALM})).splitlines()
               if line.startswith("  Objective-miss seconds"))
    assert on_one_line(row) == "Objective-miss seconds 40 s 80 s ✗ +40 s (+100 %) 40 s ≈ 0 s (0 %)"


def test_twenty_variants_fit_into_the_width_of_a_page():
    found = compared({f"variant-{number:02}-of-twenty"[:20]: CALM for number in range(20)})
    text = shown(found)
    assert "variant-19-of-twenty" in text
    assert max(map(len, text.splitlines())) <= 130


def test_many_measures_that_differ_fit_into_the_width_of_a_page():
    """Four variants stand below each other, so their measures stand side by side: five at a time."""
    names = [measure.name for measure in MEASURES[:20]]
    found = compared({variant: {name: tuple(factor * value for value in (40.0, 41.0, 39.0)) for name in names}
                      for variant, factor in (("queue", 1), ("cpu", 2), ("keda", 1), ("most", 1))})
    text = shown(found)
    assert all(measure.title.split()[0] in text for measure in MEASURES[:20])
    assert max(map(len, text.splitlines())) <= 130


def test_what_was_predicted_stands_beside_what_was_measured_with_the_patch_of_the_best():
    variants = (VariantTerms("queue", 3), VariantTerms(
        "tuned-1", 3, "autoscaler:\n  horizontalPodAutoscaler:\n    minReplicas: 2\n", is_tuned=True,
        predicted={"missSeconds": PredictedFigure(20, 15, 60)}))
    better = {"missSeconds": (19.0, 20.0, 21.0), "gpuSeconds": (600.0, 601.0, 599.0)}
    found = compare(CompareTerms("s", "n", "queue", variants),
                    runs({"queue": {**CALM, "gpuSeconds": (600.0, 601.0, 599.0)}, "tuned-1": better}))
    text = shown(found)
    assert found.best.variant == "tuned-1"
    assert "tuned-1 Objective-miss seconds 20 s 15 to 60 s 20 s yes" in on_one_line(text)
    assert text.endswith("what tuned-1 changes in the template:\n    autoscaler:\n      horizontalPodAutoscaler:\n"
                         "        minReplicas: 2\n")


def test_control_characters_of_a_patch_or_a_note_reach_no_terminal():
    found = compared({"queue": CALM, "cpu": WORSE})
    hostile = replace(found, notes=("a\x1b[2Jb",), sentences=("c\u202ed",))
    assert "\x1b" not in shown(hostile)
    assert "\u202e" not in shown(hostile)
