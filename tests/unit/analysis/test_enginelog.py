"""What a server's log tells of its start, line by line; whole logs are in test_start_logs.py."""
from __future__ import annotations

from elastometer.analysis.starts.enginelog import aborted_by_server, engine_marks
from elastometer.model.observation import LogSeen
from elastometer.model.units import SECOND

ARGUMENTS = (1.0, "vLLM API server version 0.11.0")
ENGINE = (2.0, "Initializing a V1 LLM engine (v0.11.0) with config: model='org/m'")
UP = "INFO:     Application startup complete."


def log(*lines: tuple[float, str]) -> list[LogSeen]:
    return [LogSeen(0, "pod", "server", round(time * SECOND), line) for time, line in lines]


def marks(*lines: tuple[float, str], until: float | None = None) -> list[tuple[str, float]]:
    found = engine_marks(log(*lines), None if until is None else round(until * SECOND))
    return [(mark.milestone.value, mark.instant / SECOND) for mark in found]


def test_a_stated_duration_tells_when_its_phase_began():
    found = marks(ARGUMENTS, ENGINE, (20, "Loading weights took 5.00 seconds"),
                  (31, "Graph capturing finished in 4 secs"))
    assert found == [("firstLine", 1), ("argumentsParsed", 1), ("configured", 2), ("modelBuilt", 15),
                     ("weightsLoaded", 20), ("captureStarted", 27), ("graphsCaptured", 31)]


def test_a_phase_that_states_about_the_time_since_the_line_before_it_began_with_that_line():
    found = marks(ARGUMENTS, ENGINE, (20, "Loading weights took 17.80 seconds"))
    assert "modelBuilt" not in dict(found)


def test_a_duration_that_is_longer_than_its_phase_begins_nothing_before_the_line_before_it():
    found = marks(ARGUMENTS, ENGINE, (20, "Loading weights took 900.00 seconds"),
                  (21, "Model loading took 1.0 GiB memory and 950.000000 seconds"))
    assert found[2:] == [("configured", 2), ("loadStarted", 2), ("weightsLoaded", 20), ("weightsLoaded", 21)]


def test_a_line_that_sums_up_does_not_move_a_beginning_that_has_a_line_of_its_own():
    found = marks(ARGUMENTS, ENGINE, (8, "Starting to load model org/m..."),
                  (20, "Model loading took 1.0 GiB memory and 9.000000 seconds"))
    assert found[3:] == [("loadStarted", 8), ("weightsLoaded", 20)]


def test_lines_after_http_answers_are_not_of_the_start():
    found = marks(ARGUMENTS, ENGINE, (9, UP), (50, "Model loading took 1 GiB and 2.0 s"), (60, UP))
    assert found[-1] == ("httpUp", 9)


def test_of_two_starts_in_one_log_the_one_that_answered_counts():
    found = marks(ARGUMENTS, ENGINE, (5, "Loading weights took 1.00 seconds"), (6, "RuntimeError: CUDA out of memory"),
                  (21, ARGUMENTS[1]), (22, ENGINE[1]), (25, "Loading weights took 3.00 seconds"), (30, UP))
    assert found == [("restarted", 21), ("firstLine", 21), ("argumentsParsed", 21), ("configured", 22),
                     ("weightsLoaded", 25), ("httpUp", 30)]


def test_a_start_that_answered_and_was_ended_before_the_pod_was_ready_is_not_the_one_that_counts():
    lines = (ARGUMENTS, ENGINE, (9, UP), (21, ARGUMENTS[1]), (22, ENGINE[1]), (30, UP), (90, ARGUMENTS[1]))
    assert marks(*lines, until=31) == [
        ("restarted", 21), ("firstLine", 21), ("argumentsParsed", 21), ("configured", 22), ("httpUp", 30)]
    assert marks(*lines, until=10)[-1] == ("httpUp", 9)
    assert marks(*lines)[-1] == ("httpUp", 9)


def test_several_api_servers_are_one_start():
    servers = [(3 + number, f"(ApiServer_{number} pid={70 + number}) INFO vLLM API server version 0.11.0")
               for number in range(2)]
    assert ("restarted", 4) not in marks(ARGUMENTS, ENGINE, *servers, (9, UP))


def test_another_server_of_the_container_that_listens_first_is_not_the_start():
    assert marks(ARGUMENTS, (1.5, UP), ENGINE, (9, UP))[-1] == ("httpUp", 9)


def test_a_start_that_failed_halfway_has_the_marks_that_it_reached():
    found = marks(ARGUMENTS, ENGINE, (5, "Loading weights took 3.00 seconds"), (6, "torch.OutOfMemoryError: CUDA"))
    assert found[-1] == ("weightsLoaded", 5)


def test_a_log_that_lost_its_beginning_does_not_show_the_servers_first_line():
    assert marks((54, "nothing in particular"), (56, "Loading weights took 1.25 seconds"), (60, UP)) == [
        ("modelBuilt", 54.75), ("weightsLoaded", 56), ("httpUp", 60)]
    assert marks((0, "Triton is installed"), (55, ENGINE[1])) == [("configured", 55)]


def test_a_log_of_another_server_has_a_first_line_and_answers():
    assert marks((0, "[2026-01-01] server_args=ServerArgs(model_path='m')"), (60, UP)) == [
        ("firstLine", 0), ("httpUp", 60)]
    assert marks((0, "INFO text_generation_launcher: Args {")) == [("firstLine", 0)]


def test_a_line_that_two_handlers_write_is_read_once():
    once = ((0, "vLLM API server version 0.16.0"), (9, "Initializing a V1 LLM engine (v0.16.0) with config: model='m'"),
            (20, "Loading weights took 5.00 seconds"), (30, "Compiling a graph for dynamic shape takes 4.00 s"),
            (31, "torch.compile takes 5.00 s in total"), (39, UP))
    twice = [line for second, text in once for line in ((second, text), (second + 0.001, f"INFO:vllm:{text}"))]
    assert [mark.model for mark in engine_marks(log(*twice))] == [None] * len(marks(*twice))
    assert [name for name, _ in marks(*twice)].count("compiled") == 2


def test_a_log_without_lines_has_no_marks():
    assert engine_marks([]) == []


def test_a_wake_up_before_the_pod_is_ready_is_the_last_of_the_start():
    lines = (ARGUMENTS, ENGINE, (9, UP), (10, "It took 0.500000 seconds to fall asleep."),
             (70, "It took 1.250000 seconds to wake up tags {'weights'}."))
    assert marks(*lines, until=71)[-1] == ("woken", 70)
    assert marks(*lines, until=69)[-1] == ("httpUp", 9)


def test_the_servers_own_count_of_aborted_requests_is_read_from_its_shutdown_lines():
    assert aborted_by_server(log((1, "[shutdown] EngineCore: aborting in-flight requests count=3"))) == 3
    assert aborted_by_server(log((1, "nothing of the kind"))) is None
