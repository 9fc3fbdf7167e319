"""The operator's process: `python3 -m elastometer.controller`. Settings come from the environment."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

try:
    import kopf
    import prometheus_api_client  # noqa: F401
    import prometheus_client  # noqa: F401
    import uvloop
    from aiohttp import web
    from kubernetes.aio import config
    from kubernetes.aio.client import ApiClient, Configuration
except ModuleNotFoundError as error:
    raise SystemExit(
        f"The operator needs the Python module {error.name}, which is not installed; "
        "to install it: pip install 'elastometer[operator]'"
    ) from None

from elastometer.controller import handlers
from elastometer.controller.orphans import sweep
from elastometer.controller.session import Context
from elastometer.model.errors import WorldError
from elastometer.plan import Environment
from elastometer.world import log_lines
from elastometer.world.clock import SystemClock
from elastometer.world.cluster import Cluster, Refused
from elastometer.world.health import health_app
from elastometer.world.log_lines import LogFormat
from elastometer.world.receiver import Receiver

RECEIVER_PORT = 8081
HEALTH_PORT = 8080
# After a restart the receiver answers 503 to workers until every test has its daemon again, but no longer than this:
# one test that cannot be opened must not keep the workers of all others waiting.
RESUME_SECONDS = 60.0
SWEEP_SECONDS = 300.0  # a deleted test's directory may stay this long; it only takes up space
log = logging.getLogger("elastometer.controller")


def main() -> None:
    """Runs the operator until SIGTERM."""
    get = os.environ.get
    try:
        log_lines.configure(get("ELASTOMETER_LOG_FORMAT", LogFormat.TEXT), get("ELASTOMETER_LOG_LEVEL", "INFO"))
    except ValueError as error:
        raise SystemExit(f"ELASTOMETER_LOG_FORMAT, ELASTOMETER_LOG_LEVEL: {error}") from error
    # Importing the module is what registers the handlers with kopf.
    assert handlers.elasticitytest
    assert handlers.elasticitystudy
    uvloop.run(serve())


async def serve() -> None:
    """Receiver, health and kopf in one event loop."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    clock = SystemClock()
    receiver = Receiver(clock)
    async with await _client() as api:
        context = Context(
            api, Cluster(api), receiver, clock, Path(os.environ.get("ELASTOMETER_DATA", "/data")), _environment()
        )
        runners = [
            await _listen(receiver.app(), RECEIVER_PORT),
            await _listen(health_app(lambda: receiver.ready), HEALTH_PORT),
        ]
        namespace = os.environ.get("ELASTOMETER_WATCH_NAMESPACE") or None
        resuming = asyncio.create_task(_resume(context, namespace))
        try:
            await kopf.operator(
                standalone=True,
                clusterwide=namespace is None,
                namespaces=[namespace] if namespace else [],
                memo=context,
                stop_flag=stop,
            )
        finally:
            resuming.cancel()
            for runner in runners:
                await runner.cleanup()


async def _resume(context: Context, namespace: str | None) -> None:
    """Sets `ready` once every existing test has its daemon, so that no worker is answered that its run is unknown.

    After that it removes, every few minutes, the runs of tests that were deleted while no operator ran.
    """
    receiver = context.receiver
    deadline = context.clock.monotonic() + RESUME_SECONDS
    while not receiver.ready:
        try:
            tests = await context.cluster.tests(namespace)
        except (WorldError, Refused) as error:
            log.warning("cannot list the ElasticityTests", extra={"reason": str(error)})
        else:
            waiting = any(_awaits_daemon(receiver, test) for test in tests)
            receiver.ready = not waiting or context.clock.monotonic() > deadline
        await asyncio.sleep(0.5)
    # Only now: before every test has its daemon, nothing is known to be an orphan.
    while True:
        try:
            await sweep(context, namespace)
        except (WorldError, Refused) as error:
            log.warning("cannot look for runs whose test was deleted", extra={"reason": str(error)})
        await asyncio.sleep(SWEEP_SECONDS)


def _awaits_daemon(receiver: Receiver, test: Mapping[str, Any]) -> bool:
    """Whether a test is still to get its daemon. kopf starts none for a test that is being deleted."""
    meta = test["metadata"]
    over = "deletionTimestamp" in meta or "completionTime" in test.get("status", {})
    return not over and not receiver.knows(meta["uid"])


async def _client() -> ApiClient:
    """A client of the cluster that the operator runs in, or of KUBECONFIG outside of one."""
    configuration = Configuration()
    # Each watch and each followed log holds a connection, some ten per test; a limit would make the next one wait.
    configuration.connection_pool_maxsize = 0
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    else:
        await config.load_kube_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    return ApiClient(configuration)


async def _listen(app: web.Application, port: int) -> web.AppRunner:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    await web.TCPSite(runner, None, port).start()
    return runner


def _environment() -> Environment:
    get = os.environ.get
    return Environment(
        namespace=get("ELASTOMETER_NAMESPACE", "default"),
        service=get("ELASTOMETER_SERVICE", "elastometer"),
        receiver_url=get("ELASTOMETER_RECEIVER_URL", f"http://elastometer.default.svc:{RECEIVER_PORT}"),
        receiver_port=RECEIVER_PORT,
        prometheus_url=get("ELASTOMETER_PROMETHEUS_URL", "http://prometheus.monitoring:9090"),
        load_image=get("ELASTOMETER_LOADGEN_IMAGE", "docker.io/elastometer/loadgen:0.1.0"),
    )


if __name__ == "__main__":
    main()
