"""`up`: brings every part of the lab into the wanted state, in order, and starts again only what must be."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elastometer_lab import certificates, cgroups, controlplane, images, namespaces, node, stack
from elastometer_lab.api import Api
from elastometer_lab.component import Component, Outcome, await_health, start_if_needed
from elastometer_lab.controlplane import Plan
from elastometer_lab.errors import LabError
from elastometer_lab.keda import keda_manifests
from elastometer_lab.kubeconfig import INSIDE, kubeconfig, write_kubeconfig
from elastometer_lab.lock import claim, exclusive
from elastometer_lab.paths import Paths
from elastometer_lab.prerequisites import ensure_prerequisites
from elastometer_lab.progress import Progress
from elastometer_lab.settings import Settings, load_settings, save_settings
from elastometer_lab.teardown import remove_stale_containers

STACK_SECONDS = 180.0
"""Budget for the stack: image start, two resolutions of metrics-server, and a busy host."""

Definition = Callable[[Plan], Component]


@dataclass(frozen=True, slots=True)
class BringUp:
    """One run of `up`."""

    paths: Paths
    progress: Progress
    chosen: dict[str, Any]

    def run(self) -> None:
        """Everything, under the host's lock."""
        with exclusive(self.progress):
            with self.progress.step("prerequisites") as step:
                installed = ensure_prerequisites()
                step.outcome = f"installed {', '.join(installed)}" if installed else "all there"
            claim(self.paths)
            settings = self.settle()
            binaries = images.build_programs(self.paths, settings.keda, self.progress)
            with self.progress.step("images") as step:
                ready = images.build_images(self.paths, settings.keda, binaries)
                step.outcome = f"{len(ready)} built or cached"
            plan, cgroup = self.ground(settings, binaries["kube"])
            self.control(plan, cgroup, ready)
            self.people(plan)
            self.stack(settings)

    def settle(self) -> Settings:
        """The running lab's settings with what was chosen now."""
        self.paths.state.mkdir(parents=True, exist_ok=True)
        present = load_settings(self.paths.settings)
        settings = (present or Settings()).merged(self.chosen)
        if present and present.node != settings.node:
            raise LabError(f"The node of this lab is called {present.node}, and pods are bound to that name: "
                           f"run `down` before `up --name {settings.node}`.")
        save_settings(self.paths.settings, settings)
        return settings

    def ground(self, settings: Settings, kube: Path) -> tuple[Plan, Path]:
        """Namespaces, certificates and the cgroup: what every component stands on."""
        with self.progress.step("network, mounts and certificates") as step:
            made = [namespaces.ensure_network(), namespaces.ensure_mounts(self.paths),
                    certificates.ensure_certificates(self.paths.pki, settings.node)]
            cgroup = cgroups.prepare()
            step.outcome = "made" if any(made) else "as they were"
        masquerade = not namespaces.bridge_traffic_is_filtered()
        return Plan(self.paths, settings, kube, masquerade), cgroup

    def control(self, plan: Plan, cgroup: Path, ready: Sequence[images.Built]) -> None:
        """All components. What can start side by side does; images are imported while the API server starts."""
        self.bring("etcd and containerd", plan, cgroup, controlplane.etcd, node.containerd)
        server = controlplane.apiserver(plan)
        begun = start_if_needed(server, self.paths, cgroup)
        with self.progress.step("image import") as step:
            names = images.import_images(self.paths, ready)
            step.outcome = f"{len(names)} new: {', '.join(map(images.short, names))}" if names else "nothing new"
        with self.progress.step("API server") as step:
            step.outcome = begun
            await_health(server, self.paths)
        fresh = remove_stale_containers(self.paths)
        if fresh:
            self.progress.say(f"removed {fresh} containers of a former lab")
        self.bring("controllers, scheduler, node", plan, cgroup, node.kubelet, node.proxy,
                   controlplane.controller_manager, controlplane.scheduler, controlplane.forwarder)
        self.bring("fake GPUs", plan, cgroup, controlplane.keeper)

    def bring(self, title: str, plan: Plan, cgroup: Path, *definitions: Definition) -> None:
        """Starts several components, then waits for each."""
        with self.progress.step(title) as step:
            components = [definition(plan) for definition in definitions]
            outcomes = {each.name: start_if_needed(each, self.paths, cgroup) for each in components}
            for each in components:
                await_health(each, self.paths)
            changed = [f"{outcome} {name}" for name, outcome in outcomes.items() if outcome is not Outcome.KEPT]
            step.outcome = ", ".join(changed) or "running"

    def people(self, plan: Plan) -> None:
        """The kubeconfig for people and tests on the host."""
        server = f"https://127.0.0.1:{plan.settings.port}"
        write_kubeconfig(self.paths.kubeconfig, kubeconfig(server, "admin", self.paths.pki))
        write_kubeconfig(self.paths.config / "inside.kubeconfig", kubeconfig(INSIDE, "admin", self.paths.pki))

    def stack(self, settings: Settings) -> None:
        """DNS, metrics, Prometheus, storage, and KEDA where asked for."""
        with self.progress.step("stack") as step:
            api = Api.connect(self.paths.pki)
            keda = keda_manifests(self.paths.cache, self.progress) if settings.keda else ()
            objects = stack.load_stack(stack.MANIFESTS, keda)
            objects = [stack.with_authority(each, self.paths.pki) for each in objects]
            if settings.keda:
                objects.insert(stack.after_namespaces(objects), stack.keda_certificates(self.paths.pki))
            stack.apply_all(api, objects)
            stack.await_stack(api, objects, STACK_SECONDS)
            step.outcome = f"{len(objects)} objects applied, all ready"

