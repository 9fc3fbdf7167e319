"""The receiver keeps every byte it acknowledged, whatever is sent twice, late, wrongly, or after a restart."""
import asyncio
from pathlib import Path

import orjson
import pytest
from aiohttp.test_utils import TestClient, TestServer

from elastometer.model.bundle_files import LINES_SUFFIX
from elastometer.model.errors import WorldError
from elastometer.world.bundle_writer import compact, seal
from elastometer.world.health import health_app
from elastometer.world.receiver import MAX_POST_BYTES, Receiver
from elastometer.world.run_store import RunStore

UID = "0a1b"
RUN = f"/v1/runs/{UID}"
TOKEN = {"X-Elastometer-Token": "right"}


def record(number: int, second: int, ttft_ms: int | None = 100, outcome: str = "Success") -> bytes:
    def at(milliseconds: int) -> str:
        return f"2026-11-21T05:00:{second + milliseconds // 1000:02d}.{milliseconds % 1000:03d}000Z"
    first = None if ttft_ms is None else at(ttft_ms)
    return orjson.dumps({"id": number, "intendedTime": at(0), "firstTokenTime": first, "endTime": at(900),
                         "outcome": outcome}) + b"\n"


class Life:
    """One life of the operator on the same directory."""

    def __init__(self, client: TestClient, receiver: Receiver, store: RunStore) -> None:
        self.client, self.receiver, self.store = client, receiver, store

    async def hello(self, index: int, incarnation: str = "a", workers: int = 2) -> dict:
        answer = await self.client.post(f"{RUN}/workers/{index}/hello", headers=TOKEN,
                                        json={"incarnation": incarnation, "workers": workers})
        return await answer.json()

    async def post(self, offset: object, content: bytes, index: object = 0, incarnation: str = "a",
                   of: str = "records") -> tuple[int, dict]:
        answer = await self.client.post(f"{RUN}/workers/{index}/{of}", headers=TOKEN, data=content,
                                        params={"incarnation": incarnation, "offset": str(offset)})
        return answer.status, await answer.json()


@pytest.fixture
async def living(tmp_path, clock):
    clients: list[TestClient] = []

    async def live(directory: Path = tmp_path / "run") -> Life:
        receiver, store = Receiver(clock), RunStore(directory)
        await receiver.register(UID, store, "right", 2)
        receiver.ready = True
        client = TestClient(TestServer(receiver.app()))
        await client.start_server()
        clients.append(client)
        return Life(client, receiver, store)

    yield live
    for client in clients:
        await client.close()


async def test_all_workers_get_one_start_instant_once_the_last_of_them_is_there(living, clock):
    life = await living()
    assert await life.hello(0) == {"startTime": None, "next": 0, "nextFingerprint": 0}
    assert await life.hello(0) == {"startTime": None, "next": 0, "nextFingerprint": 0}
    clock.advance(1)
    assert await life.hello(1) == {"startTime": "2026-11-21T05:00:04.000000Z", "next": 0, "nextFingerprint": 0}
    clock.advance(5)
    assert (await life.hello(0))["startTime"] == "2026-11-21T05:00:04.000000Z"
    again = await living()
    assert (await again.hello(1, "later"))["startTime"] == "2026-11-21T05:00:04.000000Z"


async def test_every_worker_must_mean_the_same_number_of_workers(living):
    life = await living()
    assert await life.hello(0, workers=3) == {"error": "`workers` must be 2, is 3"}
    assert life.receiver.live(UID).workers_seen == 0


async def test_bytes_are_stored_where_their_offset_says_and_overlap_is_skipped(living):
    life = await living()
    whole = record(0, 1) + record(1, 2) + record(2, 3)
    assert await life.post(0, whole[:50]) == (200, {"next": 50})
    assert await life.post(80, whole[80:]) == (409, {"next": 50})
    assert await life.post(20, whole[20:90]) == (200, {"next": 90})
    assert await life.post(0, whole[:30]) == (200, {"next": 90})
    assert await life.post(90, whole[90:]) == (200, {"next": len(whole)})
    assert life.store.worker_path(0, "a").read_bytes() == whole
    assert life.receiver.live(UID).sent == 3


async def test_the_first_request_of_each_stage_is_reported_in_whatever_order_records_come(living):
    life = await living()

    def of(stage: object, number: int, second: int) -> bytes:
        return orjson.dumps({**orjson.loads(record(number, second)), "stage": stage}) + b"\n"

    whole = b"".join([of("calm", 0, 3), of("calm", 1, 2), of(None, 2, 1), of("ramp", 3, 5),
                      *(of(f"x{number}", number, 7) for number in range(100))])
    await life.post(0, whole)
    starts = (await living(life.store.directory)).receiver.live(UID).stage_starts
    assert {stage: starts[stage].second for stage in ("calm", "ramp")} == {"calm": 2, "ramp": 5}
    assert len(starts) == 64


async def test_two_posts_at_once_of_one_worker_do_not_mix(living):
    life = await living()
    whole = b"".join(record(number, 1) for number in range(50))
    await asyncio.gather(*(life.post(0, whole[:end]) for end in range(500, len(whole), 97)), life.post(0, whole))
    assert life.store.worker_path(0, "a").read_bytes() == whole
    assert life.receiver.live(UID).sent == 50


async def test_a_restart_in_the_middle_of_a_line_loses_and_doubles_nothing(living):
    whole = record(0, 1) + record(1, 2)
    for cut in (1, len(record(0, 1)) - 1, len(record(0, 1)), len(record(0, 1)) + 1):
        life = await living(Path(str((await living()).store.directory) + str(cut)))
        await life.post(0, whole[:cut])
        again = await living(life.store.directory)
        assert (await again.hello(0))["next"] == cut
        await again.post(cut, whole[cut:])
        assert again.store.worker_path(0, "a").read_bytes() == whole
        assert again.receiver.live(UID).sent == 2


async def test_a_new_incarnation_of_a_worker_has_a_file_of_its_own(living):
    life = await living()
    await life.post(0, record(0, 1), incarnation="a")
    assert (await life.hello(0, "b"))["next"] == 0
    await life.post(0, record(1, 1), incarnation="b")
    assert [path.name for path in life.store.worker_paths()] == ["0-a.jsonl", "0-b.jsonl"]


async def test_finishing_twice_is_finishing_once(living):
    life = await living()
    for _ in range(2):
        answer = await life.client.post(f"{RUN}/workers/1/finish?incarnation=a", headers=TOKEN, json={"worker": 1})
        assert (answer.status, await answer.json()) == (200, {})
    assert life.receiver.live(UID).workers_finished == 1
    assert [path.name for path in (life.store.directory / "workers").iterdir()] == ["1-a.summary.json"]


@pytest.mark.parametrize("headers", [{}, {"X-Elastometer-Token": ""}, {"X-Elastometer-Token": "wrong"},
                                     {"X-Elastometer-Token": "rïght"}])
async def test_without_the_runs_token_nothing_is_answered_or_stored(living, headers):
    life = await living()
    for method, path in (("POST", "workers/0/hello"), ("POST", "workers/0/records?incarnation=a&offset=0"),
                         ("POST", "workers/0/finish?incarnation=a"), ("GET", "live"), ("GET", "bundle.tar.zst")):
        answer = await life.client.request(method, f"{RUN}/{path}", headers=headers, data=b"{}")
        assert answer.status == 401
    assert list((life.store.directory / "workers").iterdir()) == []


async def test_a_token_of_bytes_that_are_no_text_is_a_wrong_token(living):
    life = await living()
    reader, writer = await asyncio.open_connection(life.client.host, life.client.port)
    writer.write(f"GET {RUN}/live HTTP/1.1\r\nHost: x\r\n".encode() + b"X-Elastometer-Token: \xff\xfe\r\n\r\n")
    assert b" 401 " in await reader.readline()
    writer.close()


async def test_an_unknown_run_is_answered_as_not_yet_known_during_startup_and_as_unknown_later(living):
    life = await living()
    life.receiver.ready = False
    answer = await life.client.post("/v1/runs/other/workers/0/hello", headers=TOKEN)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    life.receiver.ready = True
    assert (await life.client.post("/v1/runs/other/workers/0/hello", headers=TOKEN)).status == 404


@pytest.mark.parametrize(("offset", "index", "incarnation"), [
    ("-1", 0, "a"), ("x", 0, "a"), ("", 0, "a"), ("٣", 0, "a"), ("9" * 30, 0, "a"), (0, 2, "a"), (0, 9999, "a"),
    (0, 0, ""), (0, 0, "../../etc/passwd"), (0, 0, "a/b"), (0, 0, "a" * 64), (0, 0, "a\n"), (0, 0, ".."),
])
async def test_hostile_numbers_and_names_are_refused_and_touch_no_file(living, offset, index, incarnation):
    life = await living()
    status, answer = await life.post(offset, b"x", index, incarnation)
    assert status == 400
    assert "must" in answer["error"]
    assert list((life.store.directory / "workers").iterdir()) == []


@pytest.mark.parametrize("path", ["spec.json", "torn.json", "..%2Fsecret", "%2e%2e%2fsecret", "observations.jsonl",
                                  "workers"])
async def test_only_the_files_of_a_finished_report_are_served(living, path):
    life = await living()
    (life.store.directory.parent / "secret").write_text("x")
    life.store.write_json("spec.json", {})
    assert (await life.client.get(f"{RUN}/{path}", headers=TOKEN)).status == 404


async def test_the_bundle_is_served_once_it_is_written_and_then_takes_no_records(living):
    life = await living()
    await life.post(0, record(0, 1))
    assert (await life.client.get(f"{RUN}/bundle.tar.zst", headers=TOKEN)).status == 404
    compact(life.store)
    assert (await life.client.get(f"{RUN}/report.html", headers=TOKEN)).status == 404
    seal(life.store, {"report.html": b"<html>", "report.json": b"{}"})
    bundle = await life.client.get(f"{RUN}/bundle.tar.zst", headers=TOKEN)
    assert await bundle.read() == (life.store.directory / "bundle.tar.zst").read_bytes()
    assert (bundle.headers["Content-Type"], bundle.headers.get("Content-Encoding")) == ("application/zstd", None)
    page = await life.client.get(f"{RUN}/report.html", headers=TOKEN)
    assert (await page.text(), page.headers["X-Content-Type-Options"]) == ("<html>", "nosniff")
    assert await life.post(0, record(1, 1)) == (404, {"error": "this run has ended and accepts no more records"})


async def test_a_closed_run_acknowledges_no_record_that_the_bundle_would_miss(living):
    life = await living()
    await life.post(0, record(1, 0))
    life.receiver.close(UID)
    status, _ = await life.post(len(record(1, 0)), record(2, 1))
    assert status == 404
    assert life.store.worker_size(0, "a") == len(record(1, 0))


async def test_a_post_beyond_the_limit_is_refused_whole(living):
    life = await living()
    answer = await life.client.post(f"{RUN}/workers/0/records?incarnation=a&offset=0", headers=TOKEN,
                                    data=b"x" * (MAX_POST_BYTES + 1))
    assert answer.status == 413
    assert life.store.worker_size(0, "a") == 0


async def test_lines_are_stored_once_beside_the_records_and_do_not_count_as_such(living):
    life, lines = await living(), b'{"id":1,"line":"[REQ-7a2f-1] x"}\n{"id":2,"line":"[REQ-00ff-2] y"}\n'
    assert await life.post(0, record(1, 0)) == (200, {"next": len(record(1, 0))})
    assert await life.post(0, lines[:40], of="fingerprints") == (200, {"next": 40})
    assert await life.post(60, lines[60:], of="fingerprints") == (409, {"next": 40})
    assert await life.post(10, lines[10:], of="fingerprints") == (200, {"next": len(lines)})
    assert (await life.hello(0))["nextFingerprint"] == len(lines)
    assert life.store.worker_path(0, "a", LINES_SUFFIX).read_bytes() == lines
    assert life.store.worker_path(0, "a").read_bytes() == record(1, 0)
    assert life.receiver.live(UID).sent == 1


async def test_a_full_disk_asks_the_worker_to_come_again(living, monkeypatch):
    life = await living()

    def full(*_):
        raise WorldError("no space is left")
    monkeypatch.setattr(life.store, "append_worker", full)
    assert await life.post(0, record(0, 1)) == (503, {"error": "the records cannot be stored now"})
    assert life.receiver.live(UID).sent == 0


async def test_live_counters_cover_the_last_ten_seconds(living):
    """Requests 0..19 are meant to be sent one a second from :00; 15 fails without a token."""
    life = await living()
    await life.hello(0)
    body = b"".join(record(number, number, ttft_ms=None if number == 15 else 100 + number,
                           outcome="TimedOut" if number == 15 else "Success") for number in range(20))
    await life.post(0, body + b"not a record\n")
    live = life.receiver.live(UID)
    assert (live.sent, live.succeeded, live.failed, live.workers_seen) == (20, 19, 1, 1)
    assert live.ttft_p50_ms == 113.5  # requests 9..19 ended in the window, without 15: the middle of 113 and 114
    assert live.offered_per_second == 1.0
    answer = await (await life.client.get(f"{RUN}/live", headers=TOKEN)).json()
    assert (answer["failed"], answer["lastIntendedTime"]) == (1, "2026-11-21T05:00:19.000000Z")


async def test_before_the_first_record_rates_are_unknown_and_not_zero(living):
    live = (await living()).receiver.live(UID)
    assert (live.ttft_p50_ms, live.offered_per_second, live.last_intended, live.start_time) == (None, None, None, None)


async def test_health_and_numbers_are_served(living):
    ready = [False]
    async with TestClient(TestServer(health_app(lambda: ready[0]))) as client:
        assert (await client.get("/healthz")).status == 200
        assert (await client.get("/readyz")).status == 503
        ready[0] = True
        assert (await client.get("/readyz")).status == 200
        assert "elastometer_records_received_total" in await (await client.get("/metrics")).text()
