"""Logs of server pods are followed from their start, each line once, through breaks and restarts."""
import asyncio

PODS = "/api/v1/namespaces/team/pods"


def pod(name: str, *, state: str = "running", restarts: int = 0, component: str = "server") -> dict:
    status = {"name": "server", "restartCount": restarts, "state": {state: {}}}
    return {"metadata": {"name": name, "uid": f"uid-{name}", "labels": {"app.kubernetes.io/component": component}},
            "spec": {}, "status": {"containerStatuses": [status]}}


def line(second: int, text: str) -> str:
    return f"2026-11-21T05:00:{second:02d}.123456789Z {text}"


async def test_a_log_is_followed_from_its_first_line_once_the_container_has_started(world):
    await world.api.log("a", line(1, "starting"))
    async with world.recording() as recorder:
        await recorder.synced(5)
        await world.api.put(PODS, pod("a", state="waiting"))
        await world.api.put(PODS, pod("load", component="load"))
        await world.until(lambda: len(world.seen("Pod")) == 2)
        assert not any(path.endswith("/log") for path, _ in world.api.asked)
        await world.api.put(PODS, pod("a"))
        await world.until(lambda: world.seen("Log"))
        world.clock.advance(0.25)
        await world.api.log("a", line(2, "ready, " + "x" * 2000))
        await world.until(lambda: len(world.seen("Log")) == 2)
    first, second = world.seen("Log")
    assert (first["pod"], first["container"], first["line"]) == ("a", "server", "starting")
    assert first["time"] == "2026-11-21T05:00:01.123456789Z"
    assert second["receivedTime"] == "2026-11-21T05:00:00.250000Z"
    assert len(second["line"]) == 1000


async def test_a_broken_log_goes_on_without_loss_or_repetition(world):
    await world.api.put(PODS, pod("a"))
    await world.api.log("a", line(1, "one"), line(5, "two"), line(5, "three"))
    async with world.recording() as recorder:
        await recorder.synced(5)
        await world.until(lambda: len(world.seen("Log")) == 3)
        world.api.drop(f"{PODS}/a/log")
        await world.api.log("a", line(5, "four"), line(9, "five"))
        await world.until(lambda: len(world.seen("Log")) == 5, step=0.005)
    assert [one["line"] for one in world.seen("Log")] == ["one", "two", "three", "four", "five"]
    assert "sinceTime" in world.api.asked[-1][1] or any("sinceTime" in query for _, query in world.api.asked)


async def test_a_restart_of_the_operator_repeats_no_line(world):
    await world.api.put(PODS, pod("a"))
    await world.api.log("a", line(1, "one"), line(5, "two"))
    async with world.recording() as recorder:
        await recorder.synced(5)
        await world.until(lambda: len(world.seen("Log")) == 2)
    await world.api.log("a", line(5, "three"))
    async with world.recording() as recorder:
        await recorder.synced(5)
        await world.until(lambda: len(world.seen("Log")) == 3)
    assert [one["line"] for one in world.seen("Log")] == ["one", "two", "three"]


async def test_the_log_tail_of_a_container_that_died_is_fetched(world):
    await world.api.put(PODS, pod("a"))
    await world.api.log("a", line(1, "one"))
    async with world.recording() as recorder:
        await recorder.synced(5)
        await world.until(lambda: world.seen("Log"))
        world.api.previous_logs["a"] = [line(1, "one"), line(2, "CUDA out of memory")]
        world.api.logs["a"] = [line(7, "again")]
        await world.api.put(PODS, pod("a", restarts=1))
        await world.until(lambda: len(world.seen("Pod")) == 2)
        world.api.drop(f"{PODS}/a/log")
        await world.until(lambda: len(world.seen("Log")) == 3, step=0.005)
    assert [one["line"] for one in world.seen("Log")] == ["one", "CUDA out of memory", "again"]


async def test_a_log_that_is_not_there_yet_is_asked_for_again(world):
    world.api.refused[f"{PODS}/a/log"] = 400
    await world.api.put(PODS, pod("a"))
    await world.api.log("a", line(1, "one"))
    async with world.recording() as recorder:
        await recorder.synced(5)
        await world.until(lambda: any(path.endswith("/log") for path, _ in world.api.asked))
        del world.api.refused[f"{PODS}/a/log"]
        await world.until(lambda: world.seen("Log"), step=0.005)


ACCESS = '(APIServer pid=1) INFO:     10.0.0.9:41244 - "POST /v1/chat/completions HTTP/1.1" 200 OK'
FIGURES = "INFO 11-21 05:00:09 [loggers.py:259] Engine 000: Avg prompt throughput: 1.0 tokens/s"


async def test_of_a_chatty_pod_the_beginning_is_kept_and_the_cut_is_noted(world, monkeypatch):
    monkeypatch.setattr("elastometer.world.pod_logs.stored_log.MAX_LINES", 3)
    await world.api.put(PODS, pod("a"))
    await world.api.log("a", *(line(number, f"line {number}") for number in range(9)))
    async with world.recording() as recorder:
        await recorder.synced(5)
        await world.until(lambda: world.seen("Note"), step=0.005)
    assert [one["line"] for one in world.seen("Log")] == ["line 0", "line 1", "line 2"]
    assert world.seen("Note")[0]["reason"] == "LogTruncated"
    assert world.seen("LogCount")[-1]["otherLines"] == 6


async def test_an_out_of_memory_trace_late_in_a_run_is_kept_whole(world, monkeypatch):
    """The start fills the limit; the trace comes after thousands of access lines, its frames without a level."""
    monkeypatch.setattr("elastometer.world.pod_logs.stored_log.MAX_LINES", 2)
    trace = ["ERROR 11-21 05:00:30 [core.py:700] EngineCore encountered a fatal error.",
             "Traceback (most recent call last):", '  File "core.py", line 691, in run_engine_core',
             "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 70.00 MiB."]
    await world.api.put(PODS, pod("a"))
    await world.api.log("a", line(1, "INFO one"), line(2, "INFO two"), *(line(20, ACCESS) for _ in range(50)),
                        line(25, FIGURES), *(line(30, text) for text in trace), line(31, FIGURES), line(32, ACCESS))
    async with world.recording() as recorder:
        await recorder.synced(5)
        await world.until(lambda: len(world.seen("Log")) == 6)
        await world.api.remove(PODS, "a")
        await world.until(lambda: world.seen("LogCount"), step=0.5)
    assert [one["line"] for one in world.seen("Log")] == ["INFO one", "INFO two", *trace]
    count = world.seen("LogCount")[-1]
    assert (count["pod"], count["otherLines"]) == ("a", 2)


async def test_access_lines_are_counted_once_and_never_stored(world):
    await world.api.put(PODS, pod("a"))
    await world.api.log("a", line(1, "one"), line(5, ACCESS), line(6, ACCESS))
    async with world.recording() as recorder:
        await recorder.synced(5)
        await world.until(lambda: world.seen("Log"))
    assert world.seen("LogCount")[-1]["accessLines"] == 2
    await world.api.log("a", line(7, ACCESS))
    async with world.recording() as recorder:
        await recorder.synced(5)
        await world.until(lambda: [query for path, query in world.api.asked if "sinceTime" in query])
        world.api.drop(f"{PODS}/a/log")
        await world.api.log("a", line(8, "two"))
        await world.until(lambda: len(world.seen("Log")) == 2, step=0.005)
    assert [one["line"] for one in world.seen("Log")] == ["one", "two"]
    assert world.seen("LogCount")[-1]["accessLines"] == 3


async def test_following_ends_with_the_pod(world):
    await world.api.put(PODS, pod("a"))
    await world.api.log("a", line(1, "one"))
    async with world.recording() as recorder:
        await recorder.synced(5)
        await world.until(lambda: world.seen("Log"))
        await world.api.remove(PODS, "a")
        await world.until(lambda: len(world.seen("Pod")) == 2)
        await world.api.log("a", line(2, "shutting down"))
        await world.until(lambda: len(world.seen("Log")) == 2)
        await world.until(lambda: not any(task.get_name() == "log of a" for task in asyncio.all_tasks()), step=0.02)


async def test_messages_of_the_kubelet_itself_are_not_lines_of_the_log(world):
    await world.api.put(PODS, pod("a"))
    await world.api.log("a", "unable to retrieve container logs", line(1, "ok \x1b[0m<script>"))
    async with world.recording() as recorder:
        await recorder.synced(5)
        await world.until(lambda: world.seen("Log"))
    assert [one["line"] for one in world.seen("Log")] == ["ok \x1b[0m<script>"]


async def test_of_a_progress_bar_its_last_state_and_what_follows_it_are_kept(world):
    bar = "\r".join(f"Loading shards: {percent}% Completed" for percent in range(101))
    await world.api.put(PODS, pod("a"))
    await world.api.log("a", line(1, bar + "INFO Loading weights took 5.92 seconds"), line(2, bar + "\r"))
    async with world.recording() as recorder:
        await recorder.synced(5)
        await world.until(lambda: len(world.seen("Log")) == 2)
    assert [one["line"] for one in world.seen("Log")] == [
        "Loading shards: 100% CompletedINFO Loading weights took 5.92 seconds", "Loading shards: 100% Completed"]
