"""Whether the runs that are compared answer the same question."""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import combinations

from elastometer.model.run_figures import Question, RunFigures
from elastometer.study.compare.differences import Asked
from elastometer.study.compare.question import SHOWN, differences_of_question

Runs = Mapping[str, Sequence[RunFigures]]


def asked_differently(runs: Runs) -> Asked:
    """What the runs of two variants were asked differently, as far as it decides about a measure."""
    questions = {variant: _distinct(mine) for variant, mine in runs.items()}

    @cache
    def differing(first: str, second: str, measure: str) -> tuple[str, ...]:
        every = [*questions[first], *questions[second]]
        if all(one == every[0] for one in every[1:]):
            return ()
        return tuple(dict.fromkeys(line for one, other in combinations(every, 2)
                                   for line in differences_of_question(one, other, measure)))

    return differing


def differing_lines(runs: Runs, baseline: str) -> Iterator[str]:
    """What each variant's runs were asked differently from those of the baseline, or from each other; each line begins
    with the variant."""
    base = _distinct(runs.get(baseline, ()))
    for variant, mine in runs.items():
        others = _distinct(mine)
        found = [line for one in base[:1] for other in others for line in differences_of_question(one, other)]
        yield from (f"{variant}: {line}" for line in dict.fromkeys(found))


def unrecorded(runs: Runs) -> Iterator[str]:
    """Which runs have no record of what they were asked, so that they are compared with any other."""
    names = [run.label.run for mine in runs.values() for run in mine if not run.question.parts]
    if names:
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        yield (f"what was asked of {', '.join(names[:SHOWN])}{more} is not recorded (spec.json): nothing shows that it "
               "is the same question")


def _distinct(runs: Sequence[RunFigures]) -> list[Question]:
    found: list[Question] = []
    for run in runs:
        if run.question not in found:
            found.append(run.question)
    return found
