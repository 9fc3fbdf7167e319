"""All files of a what-if answer, in memory."""
from __future__ import annotations

import json

from elastometer.render.json_report import plain
from elastometer.render.what_if.html import to_html
from elastometer.render.what_if.markdown import to_markdown
from elastometer.twin.search.answer.answer import Answer

SCHEMA_VERSION = "elastometer.dev/what-if/v1alpha1"


def answer_json(answer: Answer) -> bytes:
    """Everything, as JSON; `predicted` says so once more."""
    document = plain(answer)
    if not isinstance(document, dict):
        raise TypeError("an answer must become a JSON object")
    for name in ("scenario", "recorded"):
        document["calibration"].pop(name)
    whole = {"schemaVersion": SCHEMA_VERSION, "predicted": True, **document}
    return (json.dumps(whole, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()


def render_answer(answer: Answer) -> dict[str, bytes]:
    """File name -> content."""
    return {"what-if.json": answer_json(answer), "what-if.md": to_markdown(answer), "what-if.html": to_html(answer)}
