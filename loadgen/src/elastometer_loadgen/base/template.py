"""Prompt templates: text with `{{ field }}`, and nothing else of Jinja's language.

Templates come from the user's spec and are also parsed inside the operator, a long-lived process, so statements, calls
and arithmetic are rejected: a template that only names fields can neither loop nor grow beyond its data.
"""

from collections.abc import Mapping
from functools import lru_cache

from jinja2 import StrictUndefined, Template, TemplateError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

# Prompts are not HTML, so nothing is escaped; a field without a value is an error, not an empty text.
ENVIRONMENT = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False
)

# The one field that does not come from the data: the request's own mark, which its answer is asked to repeat.
CANARY_FIELD = "canary"


class TemplateFault(ValueError):
    """A template that cannot be used; the message continues "must …"."""


def fields_of(text: str) -> frozenset[str]:
    """The names of the fields that a template uses."""
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
    """The text with the row's values inserted; the fields were checked when the profile was parsed."""
    return _compiled(text).render(row)


@lru_cache(maxsize=256)
def _compiled(text: str) -> Template:
    """Cached, since compiling is most of the cost and a task has few templates for many rows."""
    return ENVIRONMENT.from_string(text)
