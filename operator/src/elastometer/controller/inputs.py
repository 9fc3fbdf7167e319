"""What a load needs besides its spec: files of a ConfigMap and a key in a Secret. Checked before anything is created.

Files are read once, here. Of a Secret only the presence and the form of the key are checked; its value is not kept.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping

from elastometer.model import reasons
from elastometer.plan import TestPlan
from elastometer.world.cluster import Cluster
from elastometer_loadgen.base.secret import is_word
from elastometer_loadgen.profile.inputs import files_of


class Unusable(Exception):
    """An input of the load is missing or unusable; `reason` is that of the condition."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


async def read_files(plan: TestPlan, cluster: Cluster) -> Mapping[str, str]:
    """The texts of the files that the profile names, by name. Raises Unusable."""
    wanted = sorted({name for _, name in files_of(plan.spec.profile)})
    source, namespace = plan.spec.files_from, plan.names.namespace
    if source is None or not wanted:
        return {}
    make = f"kubectl -n {namespace} create configmap {source} " + " ".join(f"--from-file={name}" for name in wanted)
    found = await cluster.get("v1", "ConfigMap", namespace, source)
    if found is None:
        raise Unusable(reasons.LOAD_FILES_MISSING, f"the ConfigMap '{source}' of spec.load.filesFrom must exist before "
                       f"the test, but does not; create it: {make}")
    texts, binary = found.get("data") or {}, found.get("binaryData") or {}
    for name in wanted:
        # kubectl puts a file that is not UTF-8 into binaryData.
        if name in binary:
            raise Unusable(reasons.LOAD_FILES_INVALID, f"the key '{name}' of the ConfigMap '{source}' must be UTF-8 "
                           "text, but is binary; save the file as UTF-8 and create the ConfigMap again")
        if name not in texts:
            known = ", ".join(sorted(texts)) or "no keys"
            raise Unusable(reasons.LOAD_FILES_MISSING, f"the ConfigMap '{source}' must have the key '{name}', but has "
                           f"{known}; create it again: {make}")
    return {name: texts[name] for name in wanted}


async def check_api_key(plan: TestPlan, cluster: Cluster) -> None:
    """Raises Unusable when the Secret does not hold a usable key."""
    wanted, namespace = plan.spec.api_key, plan.names.namespace
    if wanted is None:
        return
    secret = await cluster.get("v1", "Secret", namespace, wanted.name)
    if secret is None or wanted.key not in (secret.get("data") or {}):
        missing = "exist, but does not" if secret is None else f"have the key '{wanted.key}', but does not"
        make = f"kubectl -n {namespace} create secret generic {wanted.name} --from-file={wanted.key}"
        said = f"the Secret '{wanted.name}' of spec.load.apiKeyFrom must {missing}; create it: {make}"
        raise Unusable(reasons.API_KEY_MISSING, said)
    if not is_word(b64decode(secret["data"][wanted.key]).decode(errors="replace").strip()):
        raise Unusable(reasons.API_KEY_INVALID, f"the key '{wanted.key}' of the Secret '{wanted.name}' must hold one "
                       "word of printable ASCII text, but does not; create the Secret again with the key alone")
