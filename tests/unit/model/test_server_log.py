"""What a line of a server's log is: as vLLM, uvicorn and Python print them."""
from __future__ import annotations

import pytest

from elastometer.model.server_log import CONTINUED_LINES, LevelReader, LogLevel


@pytest.mark.parametrize(("line", "level"), [
    ("INFO 11-21 08:24:33 [api_server.py:1977] vLLM API server version 0.33.0", LogLevel.ROUTINE),
    ("(APIServer pid=1) INFO:     Application startup complete.", LogLevel.ROUTINE),
    ('INFO:     10.0.0.1:33 - "POST /v1/completions HTTP/1.1" 200 OK', LogLevel.ACCESS),
    ('(APIServer pid=1) INFO:     10.0.0.1:33 - "GET /health HTTP/1.1" 503 Service Unavailable', LogLevel.ACCESS),
    ("(EngineCore_DP0 pid=90) WARNING 12-05 10:00:00 [scheduler.py:1] Sequence group 1 is preempted", LogLevel.WARNING),
    ("ERROR:    Exception in ASGI application", LogLevel.ERROR),
    ("2026-11-21 08:00:00.1 | WARNING  | module:run:3 - slow", LogLevel.WARNING),
    ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB", LogLevel.ERROR),
    ("Traceback (most recent call last):", LogLevel.ERROR),
    ("/usr/lib/x.py:3: UserWarning: resource_tracker: 1 leaked object", LogLevel.WARNING),
    ("UserWarning: resource_tracker: 1 leaked object", LogLevel.WARNING),
    ("INFO 11-21 08:24:33 [x.py:1] retried: ValueError: no", LogLevel.ROUTINE),
    ("INFO 11-21 08:24:33 [x.py:1] 0 ERROR responses so far", LogLevel.ROUTINE),
    ("Loading shards: 100% Completed", LogLevel.ROUTINE),
])
def test_a_line_has_the_level_that_it_states(line: str, level: LogLevel):
    assert LevelReader().level(line) is level


def test_frames_of_a_traceback_are_errors_until_a_line_has_a_level_again():
    reader = LevelReader()
    levels = [reader.level(line) for line in (
        "INFO before", "Traceback (most recent call last):", '  File "a.py", line 3, in run', "    step()",
        "ValueError: no", "INFO after", "no level")]
    assert levels == [LogLevel.ROUTINE, *[LogLevel.ERROR] * 4, LogLevel.ROUTINE, LogLevel.ROUTINE]


def test_an_access_line_amid_a_traceback_does_not_end_it():
    reader = LevelReader()
    levels = [reader.level(line) for line in (
        "Traceback (most recent call last):", 'INFO:     1.1.1.1:2 - "GET /metrics HTTP/1.1" 200 OK', "  frame")]
    assert levels == [LogLevel.ERROR, LogLevel.ACCESS, LogLevel.ERROR]


def test_a_warning_is_not_continued_without_end():
    reader = LevelReader()
    reader.level("WARNING it begins")
    assert [reader.level("bar") for _ in range(CONTINUED_LINES + 2)].count(LogLevel.WARNING) == CONTINUED_LINES
