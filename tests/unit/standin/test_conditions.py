"""A fault strikes where its condition holds and nowhere else."""

import pytest

from elastometer_standin.cli import CliError, parse
from elastometer_standin.troubles.conditions import Bursts, Circumstance, parse_condition
from elastometer_standin.troubles.faults import Fault, Faults, parse_conditions
from elastometer_standin.troubles.strikes import Strike, Strikes

ALONE = {
    Circumstance.STREAMS: 1.0, Circumstance.PROMPT_TOKENS: 10.0, Circumstance.PROMPT_CHARACTERS: 40.0,
    Circumstance.MAX_TOKENS: 8192.0, Circumstance.TURN: 1.0, Circumstance.BURST_SECONDS: 0.0,
    Circumstance.UPTIME_SECONDS: 5.0, Circumstance.INJECTED: 0.0,
}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("streams>=1", True), ("streams>1", False), ("streams<=1", True), ("streams<1", False),
        ("prompt-tokens>9.5", True), ("prompt-characters>60", False), ("max-tokens>4096", True),
        ("turn>4", False), ("burst-seconds<15", True),
        ("uptime-seconds < 60 , turn>=1", True), ("uptime-seconds<60,turn>1", False),
    ],
)
def test_every_term_of_a_condition_must_hold(text: str, holds: bool) -> None:
    assert parse_condition(text).holds(ALONE) is holds


WRONG = ["streams", "streams=60", "steams>=60", "streams>=", "streams>=-1", "streams>=1,", "1<2"]


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_term_is_refused_with_the_rule(text: str) -> None:
    with pytest.raises(ValueError, match="must be NAME<NUMBER with one of <=, >=, <, >"):
        parse_condition(text)
    with pytest.raises(CliError, match="condition of fault 'oom'"):
        parse([f"--standin-oom-when={text}"], {})


def test_a_burst_begins_after_three_seconds_without_a_request_under_way() -> None:
    """One request of 10 s; then 2.9 s of quiet; then one that fails at once; then 3 s of quiet.

        t       0      1      10     12.9          15.9
        seen    first  2nd    end    in the burst  the next burst
    """
    bursts = Bursts()
    assert bursts.arrived(100.0) == 0.0
    bursts.follow(1, 100.0)
    assert bursts.arrived(101.0) == 1.0
    bursts.follow(2, 101.0)
    bursts.follow(0, 110.0)
    assert bursts.arrived(112.9) == pytest.approx(12.9)
    bursts.follow(0, 113.5)  # the sweep looks while nothing is under way: that is no request
    assert bursts.arrived(115.9) == 0.0


def test_a_condition_by_its_own_count_plants_an_exact_number_of_faults(capsys: pytest.CaptureFixture[str]) -> None:
    strikes = Strikes(Faults({"error": 1.0}, conditions=parse_conditions({"error": "injected<3"})))
    struck = [strikes.on(key, f"r{key}", lambda: frozenset(Fault), lambda: ALONE) for key in range(10)]
    assert [one.fault for one in struck] == [Fault.ERROR] * 3 + [None] * 7
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition("] ")[2] for line in lines] == [
        "request r0: injected error (1 so far)", "request r1: injected error (2 so far)",
        "request r2: injected error (3 so far)",
    ]
    assert list(strikes.family.lines())[2:] == ['standin_injected_total{fault="error"} 3.0']


def test_a_late_request_can_also_be_wrong_and_both_are_counted() -> None:
    strikes = Strikes(Faults({"delay": 1.0, "wrong-label": 1.0}))
    assert strikes.on(1, "r", lambda: frozenset(Fault), lambda: ALONE) == Strike(Fault.WRONG_LABEL, is_delayed=True)
    assert strikes.injected == {Fault.DELAY: 1, Fault.WRONG_LABEL: 1}


def test_without_a_rate_nothing_is_asked_about_a_request() -> None:
    def never() -> frozenset[Fault]:
        raise AssertionError("asked")

    strikes = Strikes(Faults({"error": 0.0}, conditions=parse_conditions({"error": "streams>=1"})))
    assert strikes.on(1, "r", never, never) == Strike()  # type: ignore[arg-type]


def test_which_requests_are_struck_does_not_depend_on_the_condition() -> None:
    plain, bounded = Faults({"cut": 0.3}), Faults({"cut": 0.3}, conditions=parse_conditions({"cut": "turn<2"}))
    struck = [plain.fault_for(key) for key in range(200)]
    assert struck.count(Fault.CUT) > 30
    assert struck == [bounded.fault_for(key, bounded.allowed(ALONE, {})) for key in range(200)]
    assert bounded.allowed({**ALONE, Circumstance.TURN: 2.0}, {}) == frozenset()


def test_a_condition_needs_a_known_fault_and_a_text() -> None:
    with pytest.raises(ValueError, match="fault 'eror' is unknown"):
        parse_conditions({"eror": "turn>1"})
    with pytest.raises(ValueError, match="condition of fault 'error' must be a text, got 4"):
        parse_conditions({"error": 4})
    assert parse_conditions({"error": " "}) == {}
