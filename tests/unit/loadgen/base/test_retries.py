"""How long a lost request waits before it is sent again: the usual pause, or what the server asked for, if bounded."""

import pytest

from elastometer_loadgen.base.retries import asked_seconds, pause_seconds, request_seconds

NOON = b"Wed, 21 Oct 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({b"retry-after": b"2"}, 2.0),
        ({b"retry-after": b" 2 "}, 2.0),
        ({b"retry-after": b"0"}, 0.0),
        ({b"retry-after": b"1.5"}, 1.5),
        ({b"retry-after-ms": b"250", b"retry-after": b"2"}, 0.25),
        ({b"retry-after-ms": b"soon", b"retry-after": b"2"}, 2.0),
        ({b"retry-after": b"Wed, 21 Oct 2026 12:00:07 GMT", b"date": NOON}, 7.0),
        ({b"retry-after": b"Wednesday, 21-Oct-26 12:00:07 GMT", b"date": NOON}, 7.0),
        ({b"retry-after": b"Wed Oct 21 12:00:07 2026", b"date": NOON}, 7.0),
        ({b"retry-after": b"Wed, 21 Oct 2026 11:00:00 GMT", b"date": NOON}, 0.0),
        ({b"retry-after": b"Wed, 21 Oct 2026 12:00:07 GMT"}, None),
        ({b"retry-after": b"-1"}, None),
        ({b"retry-after": b"in a minute"}, None),
        ({b"retry-after": b"1e3"}, None),
        ({b"retry-after": b"NaN"}, None),
        ({b"retry-after": b"9999999999999999999"}, None),
        ({b"retry-after": b"\xff"}, None),
        ({b"retry-after": b""}, None),
    ],
)
def test_what_a_server_asks_for_is_read_or_ignored(headers: dict[bytes, bytes], seconds: float | None) -> None:
    assert asked_seconds(headers) == seconds


@pytest.mark.parametrize(
    ("attempt", "asked", "timeout", "pause"),
    [
        (1, None, 300, 0.5),
        (2, None, 300, 1.0),
        (4, None, 300, 4.0),
        (1, b"2", 300, 2.0),
        (4, b"2", 300, 4.0),
        (1, b"0", 300, 0.5),
        (1, b"3600", 300, 60),
        (1, b"3600", 10, 10),
        (1, b"-5", 300, 0.5),
    ],
)
def test_a_pause_is_the_usual_one_or_longer_and_never_without_bound(
    attempt: int, asked: bytes | None, timeout: float, pause: float
) -> None:
    headers = {} if asked is None else {b"retry-after": asked}
    assert pause_seconds(attempt, headers, timeout) == pause


@pytest.mark.parametrize(
    ("timeout", "retries", "seconds"), [(300, 0, 300), (300, 1, 660), (300, 3, 1380), (10, 2, 50), (1, 3, 8)]
)
def test_the_longest_request_has_every_time_out_and_every_pause_that_may_be_asked_for(
    timeout: int, retries: int, seconds: int
) -> None:
    assert request_seconds(timeout, retries) == seconds
