"""How much of a text repeats what it said before, in words. Pure.

The repeated share of runs of four words is the measure "seq-rep-4" of S. Welleck et al., "Neural text generation with
unlikelihood training", ICLR 2020, here by quarter of the text.
"""

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence

from elastometer_loadgen.base.record import Repeat

# A word, or one character of a script that is written without spaces.
WORD = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]|[^\W\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]+")
# Among fewer words any word that occurs twice is a large share.
MIN_WORDS = 10
RUN_WORDS = 4
QUARTERS = 4
NO_STATE = -1
DECIMALS = 6


def words_of(text: str) -> list[str]:
    """The words, whatever their case."""
    return WORD.findall(text.casefold())


def repeat_of(words: Sequence[str]) -> Repeat | None:
    """The measures of a text; None for one of fewer than MIN_WORDS words."""
    if len(words) < MIN_WORDS:
        return None
    runs = list(zip(*(words[start:] for start in range(RUN_WORDS)), strict=False))
    share = round(longest_repeat(words) / len(words), DECIMALS)
    return Repeat(share, max(Counter(runs).values()), _repeated_by_quarter(runs))


def longest_repeat(words: Iterable[Hashable]) -> int:
    """The length of the longest run of words that occurs twice, at places that may overlap; 0 where no word does.

    In linear time for any text, by the suffix automaton: A. Blumer et al., "The smallest automaton recognizing the
    subwords of a text", Theoretical Computer Science 40 (1985) 31-55. What occurred before of the text up to a word, as
    its end, is the state that the suffix link of the whole text leads to.
    """
    lengths, links = [0], [NO_STATE]
    steps: list[dict[Hashable, int]] = [{}]
    longest = last = 0
    for word in words:
        state, at = len(steps), last
        lengths.append(lengths[last] + 1)
        links.append(0)
        steps.append({})
        last = state
        while at != NO_STATE and word not in steps[at]:
            steps[at][word] = state
            at = links[at]
        if at == NO_STATE:
            continue
        before = steps[at][word]
        if lengths[before] != lengths[at] + 1:
            lengths.append(lengths[at] + 1)
            links.append(links[before])
            steps.append(dict(steps[before]))
            split, links[before] = before, len(steps) - 1
            before = links[before]
            while at != NO_STATE and steps[at].get(word) == split:
                steps[at][word] = before
                at = links[at]
        links[state] = before
        longest = max(longest, lengths[before])
    return longest


def _repeated_by_quarter(runs: Sequence[Hashable]) -> tuple[float, ...]:
    seen: set[Hashable] = set()
    shares = []
    for quarter in range(QUARTERS):
        part = runs[quarter * len(runs) // QUARTERS : (quarter + 1) * len(runs) // QUARTERS]
        before = len(seen)
        seen.update(part)
        shares.append(round(1 - (len(seen) - before) / len(part), DECIMALS))
    return tuple(shares)
