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


async def test_of_a_chatty_pod_the_beginning_is_kept_and_the_cut_is_noted(world, monkeypatch):
    monkeypatch.setattr("elastometer.world.logs.MAX_LINES", 3)
    await world.api.put(PODS, pod("a"))
    await world.api.log("a", *(line(number, f"line {number}") for number in range(9)))
    async with world.recording() as recorder:
        await recorder.synced(5)
        await world.until(lambda: world.seen("Note"), step=0.005)
    assert [one["line"] for one in world.seen("Log")] == ["line 0", "line 1", "line 2"]
    assert world.seen("Note")[0]["reason"] == "LogTruncated"


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
