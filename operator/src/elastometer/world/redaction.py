"""Strikes secrets out of what is written down: values of secret-looking variables, arguments and applied manifests."""
from __future__ import annotations

import re
from typing import Any

Json = dict[str, Any]
SECRET_NAME = re.compile(r"token|secret|passw|credential|api[-_]?key|private[-_]?key|access[-_]?key", re.IGNORECASE)
STRUCK = "(struck out)"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"  # repeats the whole object, secrets included


# In running text: the value of an option, of a variable or of a header, and the password in a URL.
_IN_TEXT = (
    re.compile(r"(--[\w-]*(?:api-key|password|secret|(?<!per)[-_]token)(?:=|\s+)[\"']?)[^\s\"',]+"),
    re.compile(r"(\b[\w-]*(?:token|secret|passw\w*|credentials?|(?:api|private|access)[-_]?key)[\"']?\s*=\s*[\"']?)"
               r"[^\s\"',;]+", re.IGNORECASE),
    re.compile(r"(\bBearer\s+)[\w.~+/=-]{8,}", re.IGNORECASE),
    re.compile(r"(://[^\s/@:]*:)[^\s/@]+(?=@)"),
)


def text_without_secrets(text: str) -> str:
    """A message with the values struck out that look like secrets: somebody else's error may quote an argument."""
    for pattern in _IN_TEXT:
        text = pattern.sub(lambda found: f"{found[1]}{STRUCK}", text)
    return text


def without_secrets(item: Json) -> Json:
    """The object with the values of secret-looking variables and arguments of its containers struck out."""
    metadata = dict(item.get("metadata") or {})
    if LAST_APPLIED in (metadata.get("annotations") or {}):
        metadata["annotations"] = {**metadata["annotations"], LAST_APPLIED: STRUCK}
    kept = {**item, "metadata": metadata}
    spec = item.get("spec") or {}
    if "template" in spec:
        template = spec["template"] or {}
        kept["spec"] = {**spec, "template": {**template, "spec": _pod_kept(template.get("spec") or {})}}
    elif "containers" in spec:
        kept["spec"] = _pod_kept(spec)
    return kept


def _pod_kept(spec: Any) -> Any:
    if not isinstance(spec, dict):
        return spec
    groups = {group: [_container_kept(one) for one in spec[group]]
              for group in ("containers", "initContainers") if isinstance(spec.get(group), list)}
    return {**spec, **groups}


def _container_kept(container: Any) -> Any:
    """A Pod template of a test is free-form until the API server has seen it: what has no shape is struck out."""
    if not isinstance(container, dict):
        return container
    kept = dict(container)
    if container.get("env"):
        variables = container["env"]
        kept["env"] = [_variable_kept(one) for one in variables] if isinstance(variables, list) else STRUCK
    for words in ("args", "command"):
        if container.get(words):
            arguments = container[words]
            kept[words] = _arguments_kept(arguments) if isinstance(arguments, list) else STRUCK
    return kept


def _variable_kept(variable: Any) -> Any:
    if not isinstance(variable, dict):
        return STRUCK
    if "value" in variable and SECRET_NAME.search(str(variable.get("name", ""))):
        return {**variable, "value": STRUCK}
    return variable


def _arguments_kept(arguments: list[Any]) -> list[str]:
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
    """`--max-num-batched-tokens`, `--tokenizer`, `--ms-per-token` are no secrets, `--api-key` and `--hf-token` are."""
    return option.startswith("--") and bool(re.search(r"(api-key|password|secret|(?<!per)[-_]token)$", option))


def spec_without_secrets(spec: Json) -> Json:
    """The `spec` of a test with the same struck out of its server's arguments and Pod template."""
    target = dict(spec["target"])
    server = dict(target["server"])
    for words in ("args", "command"):
        if server.get(words):
            server[words] = _arguments_kept(server[words])
    template = server.get("podTemplate")
    if template and template.get("spec"):
        server["podTemplate"] = {**template, "spec": _pod_kept(template["spec"])}
    return {**spec, "target": {**target, "server": server}}
