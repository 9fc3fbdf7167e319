"""A run that was rejected throughout says first what to fix; any other outcome makes it a measurement."""

import pytest

from elastometer_loadgen.base.record import Outcome
from elastometer_loadgen.base.rejection import Rejection, RejectionCount, advice

CHAT = "/v1/chat/completions"


def counted(*seen: tuple[Outcome, int | None, str | None]) -> Rejection | None:
    count = RejectionCount()
    for outcome, status, error in seen:
        count.add(outcome, status, error)
    return count.found()


def test_the_most_frequent_status_and_its_first_text_lead() -> None:
    error = Outcome.CLIENT_ERROR
    found = counted((error, 401, "who?"), (error, 404, "a"), (error, 404, "b"))
    assert found is not None
    assert found.sentence("http://h/v1/completions") == (
        "every request (3 of 3) was rejected by http://h/v1/completions with status 404 (2), 401 (1): a")
    alone = counted((Outcome.CLIENT_ERROR, 422, None))
    assert alone is not None
    assert alone.sentence(None) == "every request (1 of 1) was rejected by the server with status 422: no message"


def test_an_error_in_an_answer_is_not_called_a_status() -> None:
    found = counted((Outcome.CLIENT_ERROR, 200, "too long"))
    assert found is not None
    assert found.sentence(None).endswith("by the server with status 200 and an error in the answer: too long")


@pytest.mark.parametrize(("status", "error", "is_about_rates"), [
    (429, "slow down", True), (200, "Rate limit exceeded: free-models-per-min", True),
    (200, "Too many requests", True), (200, "too long", False), (400, "rate limit must be a number", False),
])
def test_a_rate_limit_is_named_wherever_it_is_stated(status: int, error: str, is_about_rates: bool) -> None:
    assert advice(status, error, f"http://h{CHAT}").startswith("the server, or a gateway") is is_about_rates


@pytest.mark.parametrize(("outcome", "status", "is_rejected"), [
    (Outcome.CLIENT_ERROR, 400, True), (Outcome.CLIENT_ERROR, 200, True), (Outcome.MALFORMED, 307, True),
    (Outcome.THROTTLED, 429, True), (Outcome.SUCCESS, 200, False), (Outcome.SERVER_ERROR, 503, False),
    (Outcome.TIMED_OUT, None, False), (Outcome.REFUSED, None, False), (Outcome.MALFORMED, 200, False),
])
def test_one_request_of_another_outcome_makes_the_run_a_measurement(
    outcome: Outcome, status: int | None, is_rejected: bool
) -> None:
    assert (counted((Outcome.CLIENT_ERROR, 404, "a"), (outcome, status, "b")) is not None) is is_rejected


def test_a_run_without_requests_was_not_rejected() -> None:
    assert counted() is None


@pytest.mark.parametrize(("status", "base", "words"), [
    (404, "http://h:8000/v1", "--target must not end in /v1, which is added to it: give http://h:8000"),
    (404, "http://h:8000/v1/chat/completions", "which is added to it: give http://h:8000"),
    (405, "https://gw/team/v1", "give https://gw/team"),
    (401, "http://h/v1", "give the server's key by --api-key-file"),
    (403, "http://h", "give the server's key by --api-key-file"),
    (429, "http://h/v1", "limits the rate"),
    (404, "http://h/v1beta", "--target must be the URL that precedes /v1 at the server"),
    (307, "http://h", "--target must be the URL to which the server redirects"),
    (422, "http://h", "compare the profile's model"),
])
def test_the_advice_names_what_to_change(status: int, base: str, words: str) -> None:
    assert words in advice(status, "Not Found", base + CHAT)


def test_a_404_about_a_model_is_not_taken_for_a_wrong_url() -> None:
    assert "--model" in advice(404, "The model `m` does not exist.", "http://h" + CHAT)
