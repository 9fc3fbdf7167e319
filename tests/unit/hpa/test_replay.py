"""Agreement and the first divergence, as a program and as a person sees them."""

from pathlib import Path

import orjson
import pytest

from elastometer.cli.main import main
from elastometer.hpa.replay import Agreement, replay
from elastometer.hpa.trace import recording_from

LINES = (Path(__file__).parents[1].parent / "oracle" / "given-traces.jsonl").read_bytes().splitlines()
TRACE = orjson.loads(LINES[2])
WRONG_AT = 11


def wrong() -> dict:
    """One number of the real controller's decisions is changed."""
    trace = orjson.loads(LINES[2])
    assert trace["expected"][WRONG_AT]["desiredReplicas"] == 6
    trace["expected"][WRONG_AT]["desiredReplicas"] = 5
    return trace


def test_one_changed_number_is_one_divergence():
    result = replay(recording_from(wrong()))
    assert result.agreement["decisions"] == Agreement(88, 89)
    assert result.agreement["conditions"] == result.agreement["events"] == Agreement(89, 89)
    assert result.divergence is not None
    assert (result.divergence.index, result.divergence.parts) == (WRONG_AT, ("decisions",))


def test_what_was_not_observed_is_not_counted():
    trace = {key: value for key, value in TRACE.items() if key != "expected"}
    result = replay(recording_from(trace))
    assert len(result.decisions) == 89
    assert set(result.agreement.values()) == {Agreement(0, 0)}


def test_a_restart_forgets_what_was_recommended_but_not_the_conditions():
    """Eight replicas were recommended 15 s ago, then somebody scaled to four: the window scales out again, unless the
    memory was lost."""
    spec = TRACE["hpa"] | {"metrics": TRACE["hpa"]["metrics"][:1]}
    sync = TRACE["syncs"][0] | {"specReplicas": 4, "statusReplicas": 4, "metrics": [{"values": ["16"]}]}
    later = sync | {"atSeconds": 15, "metrics": [{"values": ["8"]}]}
    blind = later | {"controllerRestarted": True, "metrics": [{"error": "down"}]}
    world = {"name": "world", "controller": TRACE["controller"], "hpa": spec}
    ends = [replay(recording_from({**world, "syncs": [sync, last]})).decisions[1]
            for last in (later, later | {"controllerRestarted": True}, blind)]
    assert [decision.desired for decision in ends] == [8, 4, 4]
    assert ends[2].conditions["ScalingLimited"].reason == "DesiredWithinRange"


def saved(tmp_path: Path, *traces: dict) -> str:
    path = tmp_path / "traces.jsonl"
    path.write_bytes(b"".join(orjson.dumps(trace) + b"\n" for trace in traces))
    return str(path)


def test_full_agreement_ends_with_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["hpa", "replay", saved(tmp_path, TRACE)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "trace-3: 89 syncs: decisions 89/89, conditions 89/89, events 89/89",
        "1 trace, 89 syncs: decisions 89/89, conditions 89/89, events 89/89"]


def test_a_divergence_ends_with_1_and_shows_both_accounts(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["hpa", "replay", saved(tmp_path, wrong())]) == 1
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["desired", "replicas", "5", "6"] in lines
    assert ["replicas", "before", "4", "4"] in lines
    assert ["metrics", "propose", "–", "6"] in lines


def test_the_json_has_one_line_per_trace_with_every_account(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["hpa", "replay", saved(tmp_path, TRACE, wrong()), "--output", "json"]) == 1
    good, bad = (orjson.loads(line) for line in capsys.readouterr().out.splitlines())
    assert good["divergence"] is None
    assert good["agreement"]["decisions"] == {"same": 89, "of": 89}
    for decision, expected in zip(good["decisions"], TRACE["expected"], strict=True):
        assert {**expected, "events": expected.get("events", [])} == {
            key: decision[key] for key in ("desiredReplicas", "rescaled", "conditions", "events")}
    assert (bad["divergence"]["index"], bad["divergence"]["observed"]["desiredReplicas"]) == (WRONG_AT, 5)
    assert bad["divergence"]["account"]["proposals"][1]["missingPods"] == 1


def test_a_bad_line_ends_with_2_and_one_line_per_flaw(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = saved(tmp_path, TRACE, {**TRACE, "hpa": {**TRACE["hpa"], "maxReplicas": 0}})
    assert main(["hpa", "replay", path]) == 2
    assert capsys.readouterr().err.splitlines() == [
        f"{path}, line 2: hpa.maxReplicas: must be a whole number from 1 to 2147483647, is 0"]


def test_a_trace_without_expectations_is_reported_as_such(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    trace = {key: value for key, value in TRACE.items() if key != "expected"}
    assert main(["hpa", "replay", saved(tmp_path, trace)]) == 0
    assert "nothing was observed to compare with" in capsys.readouterr().out


def test_the_help_of_a_sub_command_says_its_exit_codes(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as caught:
        main(["hpa", "replay", "--help"])
    printed = capsys.readouterr().out
    assert caught.value.code == 0
    assert "exit codes: 0 everything observed agrees, 1 something differs, 2 wrong usage" in printed
    assert "NotJudged" not in printed
