"""What a load needs beside its spec: the files of a ConfigMap, a key in a Secret. Looked at before anything is made.

Files are read once, here; of a Secret it is only asked whether it holds what the load workers will be given.
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
    """Something that the load needs is not there, or is not what it must be; `reason` is the condition's."""

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
        raise Unusable(reasons.LOAD_FILES_MISSING, f"the ConfigMap '{source}' of spec.load.filesFrom must be there "
                       f"before the test, is not; create it: {make}")  # fmt: skip
    texts, binary = found.get("data") or {}, found.get("binaryData") or {}
    for name in wanted:
        if name in binary:
            raise Unusable(reasons.LOAD_FILES_INVALID, f"the key '{name}' of the ConfigMap '{source}' must be UTF-8 "
                           "text, is binary; write the file in UTF-8 and create the ConfigMap again")  # fmt: skip
        if name not in texts:
            known = ", ".join(sorted(texts)) or "none"
            raise Unusable(reasons.LOAD_FILES_MISSING, f"the ConfigMap '{source}' must have the key '{name}', has "
                           f"{known}; create it again: {make}")  # fmt: skip
    return {name: texts[name] for name in wanted}


async def check_api_key(plan: TestPlan, cluster: Cluster) -> None:
    """Raises Unusable when the Secret does not hold the key; its value goes nowhere."""
    wanted, namespace = plan.spec.api_key, plan.names.namespace
    if wanted is None:
        return
    secret = await cluster.get("v1", "Secret", namespace, wanted.name)
    if secret is None or wanted.key not in (secret.get("data") or {}):
        missing = "there, is not" if secret is None else f"there with the key '{wanted.key}', has no such key"
        make = f"kubectl -n {namespace} create secret generic {wanted.name} --from-file={wanted.key}"
        said = f"the Secret '{wanted.name}' of spec.load.apiKeyFrom must be {missing}; create it: {make}"
        raise Unusable(reasons.API_KEY_MISSING, said)
    if not is_word(b64decode(secret["data"][wanted.key]).decode(errors="replace").strip()):
        raise Unusable(reasons.API_KEY_INVALID, f"the key '{wanted.key}' of the Secret '{wanted.name}' must hold one "
                       "word of printable ASCII text, does not")  # fmt: skip
