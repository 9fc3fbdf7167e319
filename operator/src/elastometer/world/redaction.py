"""Strikes secrets out of what is stored or logged: values of variables, options and applied manifests.

A name decides: nothing is known about a value itself. What has no shape that is understood is struck out whole.
"""
from __future__ import annotations

import re
from typing import Any

from elastometer.model.bundle_files import STRUCK

Json = dict[str, Any]
_SECRET = "token|secret|passw|credential|(?:api|private|access)[-_]?key"
SECRET_NAME = re.compile(_SECRET, re.IGNORECASE)
# kubectl apply repeats the whole object in this annotation, secrets included.
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


# In running text: the value of an option, of a variable or of a header, and the password in a URL.
# Every repetition before the value is bounded: a message may be long and of anybody's making, and a search that starts
# again at each of its characters would hold up the whole operator.
_IN_TEXT = (
    re.compile(r"(--[\w-]{0,64}(?:api-key|password|secret|(?<!per)[-_]token)(?:=|\s{1,64})[\"']?)[^\s\"',]+"),
    re.compile(r"((?:token|secret|passw\w{0,32}|credentials?|(?:api|private|access)[-_]?key)[\"']?"
               r"\s{0,64}=\s{0,64}[\"']?)[^\s\"',;]+", re.IGNORECASE),
    # A variable of a container, as JSON prints it, {"name":"HF_TOKEN","value":"…"}, and as Go does.
    re.compile(r"""(\bname\\?"?: ?\\?"[^"\\]{0,64}?(?:""" + _SECRET +
               r""")[^"\\]{0,64}\\?", ?\\?"?value\\?"?: ?\\?")[^"\\]+""", re.IGNORECASE),
    re.compile(r"(\bBearer\s+)[\w.~+/=-]{8,}", re.IGNORECASE),
    re.compile(r"(://[^\s/@:]*:)[^\s/@]+(?=@)"),
)


def text_without_secrets(text: str) -> str:
    """A message without values that look like secrets: an error of the API server may quote an argument."""
    for pattern in _IN_TEXT:
        text = pattern.sub(lambda found: f"{found[1]}{STRUCK}", text)
    return text


def without_secrets(item: Json) -> Json:
    """The object without the values of secret-looking variables and options of its containers."""
    metadata = dict(item.get("metadata") or {})
    if LAST_APPLIED in (metadata.get("annotations") or {}):
        metadata["annotations"] = {**metadata["annotations"], LAST_APPLIED: STRUCK}
    kept = {**item, "metadata": metadata}
    spec = item.get("spec") or {}
    if "template" in spec:
        template = spec["template"] or {}
        kept["spec"] = {**spec, "template": {**template, "spec": _clean_pod_spec(template.get("spec") or {})}}
    elif "containers" in spec:
        kept["spec"] = _clean_pod_spec(spec)
    return kept


def _clean_pod_spec(spec: Any) -> Any:
    if not isinstance(spec, dict):
        return spec
    groups = {group: [_clean_container(container) for container in spec[group]]
              for group in ("containers", "initContainers") if isinstance(spec.get(group), list)}
    return {**spec, **groups}


def _clean_container(container: Any) -> Any:
    """The Pod template of a test is free-form until the API server has seen it, so every part may be of any type."""
    if not isinstance(container, dict):
        return container
    kept = dict(container)
    if container.get("env"):
        variables = container["env"]
        kept["env"] = [_clean_variable(variable) for variable in variables] if isinstance(variables, list) else STRUCK
    for words in ("args", "command"):
        if container.get(words):
            arguments = container[words]
            kept[words] = _clean_arguments(arguments) if isinstance(arguments, list) else STRUCK
    return kept


def _clean_variable(variable: Any) -> Any:
    if not isinstance(variable, dict):
        return STRUCK
    if "value" in variable and SECRET_NAME.search(str(variable.get("name", ""))):
        return {**variable, "value": STRUCK}
    return variable


def _clean_arguments(arguments: list[Any]) -> list[str]:
    kept: list[str] = []
    for argument in map(str, arguments):
        option, given, _ = argument.partition("=")
        is_value = bool(kept) and kept[-1].startswith("--") and "=" not in kept[-1] and not argument.startswith("-")
        if is_value and _is_secret_option(kept[-1]):
            kept.append(STRUCK)
        elif given and _is_secret_option(option):
            kept.append(f"{option}={STRUCK}")
        else:
            kept.append(argument)
    return kept


def _is_secret_option(option: str) -> bool:
    """`--api-key` and `--hf-token` are secrets; `--max-num-batched-tokens`, `--tokenizer` and `--ms-per-token` not."""
    return option.startswith("--") and bool(re.search(r"(api-key|password|secret|(?<!per)[-_]token)$", option))


def spec_without_secrets(spec: Json) -> Json:
    """The `spec` of a test without the secrets of its server's arguments and Pod template."""
    target = dict(spec["target"])
    server = dict(target["server"])
    for words in ("args", "command"):
        if server.get(words):
            server[words] = _clean_arguments(server[words])
    template = server.get("podTemplate")
    if template and template.get("spec"):
        server["podTemplate"] = {**template, "spec": _clean_pod_spec(template["spec"])}
    return {**spec, "target": {**target, "server": server}}
