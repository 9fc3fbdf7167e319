"""Capacity and cold starts out of an earlier run."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from elastometer.analysis.run import derive_run
from elastometer.cli.base.exits import CliError, Exit
from elastometer.model.bundle import Bundle
from elastometer.model.document import at, document_at
from elastometer.model.errors import SpecError
from elastometer.plan import TestPlan
from elastometer.twin.fit.calibrate import calibrate
from elastometer.twin.forecast.planned import Assumed
from elastometer.twin.scenario import Controller, HpaController, KedaController
from elastometer.world.bundle_reader import BundleError, load_bundle
from elastometer.world.redaction import STRUCK


def recorded(path: Path, plan: TestPlan) -> Assumed:
    """What the run of the bundle says of one replica. Raises CliError where it says too little."""
    try:
        bundle = load_bundle(path)
        scenario = calibrate(derive_run(bundle)).scenario
    except (BundleError, OSError) as error:
        raise CliError(Exit.SPEC_OR_USAGE, f"--from {error}") from error
    except SpecError as error:
        raise CliError(Exit.SPEC_OR_USAGE, f"--from {path} does not tell what a replica can do:",
                       *(f"  {flaw}" for flaw in error.flaws)) from error
    run = f"the run {bundle.terms.namespace}/{bundle.terms.test}"
    return Assumed(
        capacity=scenario.capacity, capacity_source=f"fitted to {run}",
        cold_starts=scenario.cold_starts, cold_start_source=f"measured in {run}",
        pending_seconds=scenario.pending_seconds, path=scenario.path, resource_path=scenario.resource_path,
        sync_seconds=_sync_seconds(scenario.controller),
        notes=tuple(_differences(bundle, plan)),
    )


def _sync_seconds(controller: Controller) -> float | None:
    """One operator starts every load at about the same time after a look that it waited for."""
    match controller:
        case KedaController():
            return controller.hpa.phase_seconds
        case HpaController():
            return controller.phase_seconds
    return None


def _differences(bundle: Bundle, plan: TestPlan) -> Iterator[str]:
    """Where the server of the run is another than the test's, its numbers may not be this server's."""
    server, seen = plan.spec.server, document_at(bundle.spec, "spec", "target", "server")
    args = [str(one) for one in found] if isinstance(found := at(seen, "args"), list) else []
    pairs = [("model's name", bundle.terms.model, server.model), ("image's name", bundle.terms.image, server.image),
             ("argument list", _without(args, server.args), _without(server.args, args))]
    for name, then, now in pairs:
        if then is not None and then != now:
            yield f"the server is like the recorded one, though its {name} is another (then: {then}; now: {now})"


def _without(some: Sequence[str], others: Sequence[str]) -> str:
    """Arguments of one server that the other has not; of one whose value was struck out nothing can be said."""
    unknown = {one.partition("=")[0] for one in (*some, *others) if STRUCK in one}
    return " ".join(one for one in some if one not in others and one.partition("=")[0] not in unknown) or "–"
