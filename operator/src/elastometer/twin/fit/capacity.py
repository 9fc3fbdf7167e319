"""One replica's capacity out of request records: first tokens on an idle server, pace beside others, slots.

A record that names no Pod is used while one replica served alone; the others then tell nothing of one replica.
"""
from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import linear_regression, mean, median

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.run import DerivedRun
from elastometer.model.bundle import SeriesName
from elastometer.model.document import at
from elastometer.model.errors import SpecError
from elastometer.model.units import SECOND, Instant
from elastometer.twin.fit.calibration import Fitted
from elastometer.twin.scenario import Capacity
from elastometer_loadgen.base.record import Outcome

_SLOTS = re.compile(r"--max[-_]num[-_]seqs[= ](\d+)")
# Prompts must differ by this factor before their length can be told from chance in the time to the first token.
SPREAD = 1.5
# Fewer observations than this tell nothing.
MIN_OBSERVATIONS = 5


@dataclass(frozen=True, slots=True)
class Turn:
    """One request on one replica, seconds. `beside` is how many others ran there when its first token came, `met` how
    many were there at all when it was sent, `freed` when the last of those that ended before its first token did."""

    sent: float
    first: float
    last: float
    prompt: int
    gaps: int
    beside: int
    met: int
    freed: float

    @property
    def pace(self) -> float:
        """Seconds per output token after the first."""
        return (self.last - self.first) / self.gaps


def fit_capacity(run: DerivedRun) -> tuple[Capacity, list[Fitted]]:
    """The capacity of one replica with what it was fitted from. Raises SpecError naming what is missing."""
    turns = _turns(run)
    if len(turns) < MIN_OBSERVATIONS:
        raise SpecError(f"requests: at least {MIN_OBSERVATIONS} must have been served and name their Pod (header "
                        "x-elastometer-pod or x-inference-pod), or have come while one replica served alone; "
                        f"{len(turns)} of {len(run.evidence.requests)} did")
    slots, about_slots = _slots(run.evidence)
    capacity, about = capacity_of(turns, slots)
    return capacity, [about_slots, *about]


def capacity_of(turns: Sequence[Turn], slots: int) -> tuple[Capacity, list[Fitted]]:
    """What the requests of some replicas tell of one."""
    base, per_token, about_prefill = _prefill(turns, slots)
    joins = [_join(turns, slots, base, per_token), _refill(turns, slots, base, per_token)]
    decode, neighbour, about_decode = _decode(turns, slots)
    capacity = Capacity(slots, base, per_token, decode, neighbour, joins[0][0], joins[1][0])
    return capacity, [*about_prefill, *(about for _, about in joins), *about_decode]


def _turns(run: DerivedRun) -> list[Turn]:
    by_pod: dict[str, list[tuple[float, float, float, int, int]]] = defaultdict(list)
    evidence, alone = run.evidence, _alone(run)
    for record in evidence.requests:
        pod = record.pod or alone(record.intended)
        known = record.send is not None and record.first_token is not None and record.last_token is not None
        if pod is None or not known or record.outcome is not Outcome.SUCCESS:
            continue
        sent, first, last = (((instant or 0) - evidence.origin) / SECOND
                             for instant in (record.send, record.first_token, record.last_token))
        by_pod[pod].append((sent, first, last, record.prompt_tokens or 0, max(0, (record.completion_tokens or 1) - 1)))
    return [turn for found in by_pod.values() for turn in turns_of(found)]


def turns_of(found: Sequence[tuple[float, float, float, int, int]]) -> list[Turn]:
    """The requests of one replica: (sent, first token, last token, prompt tokens, output tokens less one) of each."""
    sents = sorted(row[0] for row in found)
    firsts = sorted(row[1] for row in found)
    lasts = sorted(row[2] for row in found)
    # A slot was free for at least as long as the shortest prompt takes before its next first token.
    shortest, turns = min(row[1] - row[0] for row in found), []
    for sent, first, last, prompt, gaps in found:
        beside = bisect_right(firsts, first) - bisect_right(lasts, first) - 1
        done = bisect_right(lasts, first - shortest)
        met = bisect_right(sents, sent) - bisect_right(lasts, sent) - 1
        freed = lasts[done - 1] if done else sent
        turns.append(Turn(sent, first, last, prompt, gaps, max(0, beside), max(0, met), freed))
    return turns


def _alone(run: DerivedRun) -> Callable[[Instant], str | None]:
    """Names the replica that must have served at an instant: there was one only."""
    def name(instant: Instant) -> str | None:
        return "the only one" if run.replicas.ready.value_at(run.evidence.seconds(instant)) == 1.0 else None

    return name


def _slots(evidence: Evidence) -> tuple[int, Fitted]:
    args = at(evidence.spec, "spec", "target", "server", "args") or at(evidence.spec, "target", "server", "args") or []
    stated = _SLOTS.search(" ".join(map(str, args))) if isinstance(args, list) else None
    if stated is not None:
        slots = int(stated.group(1))
        return slots, Fitted("slots", slots, "requests", f"the server's argument {stated.group(0)}")
    running = evidence.samples(SeriesName.RUNNING)
    most = max((value for pod in (running.series if running else ()) for _, value in pod.samples), default=0.0)
    if most < 1:
        raise SpecError("target.server.args: must state --max-num-seqs, or the run must have scraped "
                        "vllm:num_requests_running; neither is there, so how many requests run at once is unknown")
    return int(most), Fitted("slots", int(most), "requests",
                             "the most that ran at once on one replica: no --max-num-seqs was stated")


def _prefill(turns: Sequence[Turn], slots: int) -> tuple[float, float, list[Fitted]]:
    """The slope from all requests that found a free slot, most of which met others; the base from idle replicas."""
    idle = [turn for turn in turns if turn.met == 0]
    if not idle:
        raise SpecError("requests: must hold some that found a replica idle, to tell prefill from waiting; every one "
                        "met others. Begin the load with a slow stage")
    per_token = _slope([turn for turn in turns if turn.met == 0], MIN_OBSERVATIONS * 4)
    per_token = per_token or _slope([turn for turn in turns if 0 < turn.met < slots], MIN_OBSERVATIONS * 4)
    base = max(0.0, median(turn.first - turn.sent - per_token * turn.prompt for turn in idle))
    error = _deviation([turn.first - turn.sent for turn in idle], [base + per_token * turn.prompt for turn in idle])
    source = "time to the first token of requests that found a replica idle"
    return base, per_token, [
        Fitted("prefill", base, "s", source, error, len(idle)),
        Fitted("prefill per prompt token", per_token, "s", "first tokens of requests that found a free slot"
               if per_token else "not told: prompts were of nearly one length, or longer ones were not slower"),
    ]


def _slope(turns: Sequence[Turn], fewest: int) -> float:
    """Seconds to the first token per token of the prompt; 0 where it cannot be told."""
    prompts = [turn.prompt for turn in turns]
    if len(turns) < fewest or min(prompts) < 1 or max(prompts) < SPREAD * min(prompts):
        return 0.0
    slope, _ = linear_regression(prompts, [turn.first - turn.sent for turn in turns])
    return max(0.0, slope)


def _join(turns: Sequence[Turn], slots: int, base: float, per_token: float) -> tuple[float, Fitted]:
    late = [turn.first - turn.sent - base - per_token * turn.prompt for turn in turns if 0 < turn.met < slots]
    if len(late) < MIN_OBSERVATIONS:
        return 0.0, Fitted("joining others", 0.0, "s", "not told: too few requests met others and a free slot",
                           None, len(late))
    join = max(0.0, median(late))
    return join, Fitted("joining others", join, "s", "first tokens of requests that met others and a free slot",
                        None, len(late))


def _refill(turns: Sequence[Turn], slots: int, base: float, per_token: float) -> tuple[float, Fitted]:
    late = [turn.first - turn.freed - base - per_token * turn.prompt
            for turn in turns if turn.met >= slots and turn.freed > turn.sent]
    if len(late) < MIN_OBSERVATIONS:
        return 0.0, Fitted("joining from the queue", 0.0, "s", "not told: too few requests waited", None, len(late))
    refill = max(0.0, median(late))
    return refill, Fitted("joining from the queue", refill, "s", "from a slot's end to the next one's first token",
                          None, len(late))


def _decode(turns: Sequence[Turn], slots: int) -> tuple[float, float, list[Fitted]]:
    """A line through the pace of the full batch, which decides how fast a backlog goes, where there was one."""
    paced = [turn for turn in turns if turn.gaps > 0]
    if not paced:
        raise SpecError("requests: must hold some with two output tokens or more and their number (usage), to tell the "
                        "time per token; none has")
    beside, times = [float(turn.beside) for turn in paced], [turn.pace for turn in paced]
    base, neighbour = _line(beside, times)
    full = [turn.pace for turn in paced if turn.met >= slots]
    if len(full) >= MIN_OBSERVATIONS and slots > 1:
        free = [turn for turn in paced if turn.met < slots] or paced
        few, slow = mean(turn.beside for turn in free), mean(turn.pace for turn in free)
        neighbour = max(0.0, (mean(full) - slow) / max(1.0, slots - 1 - few))
        base = mean(full) - neighbour * (slots - 1)
    error = _deviation(times, [base + neighbour * others for others in beside])
    source = "time per output token against the requests that ran beside"
    return base, neighbour, [
        Fitted("decode", base, "s/token", source, error, len(paced)),
        Fitted("decode per neighbour", neighbour, "s/token", source, None, len(paced)),
    ]


def _line(beside: Sequence[float], times: Sequence[float]) -> tuple[float, float]:
    if len(set(beside)) > 1:
        slope, intercept = linear_regression(beside, times)
        if slope > 0 and intercept > 0:
            return intercept, slope
    return median(times), 0.0


def _deviation(observed: Sequence[float], fitted: Sequence[float]) -> float:
    """Median of |observed - fitted| / observed, percent."""
    shares = [abs(value_at - other) / value_at for value_at, other in zip(observed, fitted, strict=True) if value_at > 0]
    return round(100 * median(shares), 2) if shares else 0.0
