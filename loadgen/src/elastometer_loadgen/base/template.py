"""Prompt templates: text with `{{ field }}` and nothing more clever.

Templates come from the user's spec and may be parsed inside a long-lived daemon, so statements, calls and
arithmetic are refused: a template that only names fields can neither loop nor grow beyond its data.
"""

from collections.abc import Mapping
from functools import lru_cache

from jinja2 import StrictUndefined, Template, TemplateError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

ENVIRONMENT = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False
)

# The name of the one field that needs no data: the request's own mark, which its answer is asked to carry.
CANARY_FIELD = "canary"


class TemplateFault(ValueError):
    """A template that cannot be used; the message continues "must …"."""


def fields_of(text: str) -> frozenset[str]:
    """The names of the fields that a template asks for."""
    try:
        tree = ENVIRONMENT.parse(text)
    except TemplateError as error:
        raise TemplateFault(f"be a template with fields such as {{{{ theme }}}}: {error}") from error
    names: set[str] = set()
    for output in tree.body:
        for node in output.iter_child_nodes() if isinstance(output, nodes.Output) else [output]:
            if isinstance(node, nodes.Name):
                names.add(node.name)
            elif not isinstance(node, nodes.TemplateData):
                raise TemplateFault("hold only plain fields such as {{ theme }}")
    return frozenset(names)


def render(text: str, row: Mapping[str, str]) -> str:
    """The text with the row's values in it; the fields were checked when the profile was parsed."""
    return _compiled(text).render(row)


@lru_cache(maxsize=256)
def _compiled(text: str) -> Template:
    """A task has few templates and may have many rows; compiling is most of the cost."""
    return ENVIRONMENT.from_string(text)
