"""The templates: escaped by default, strict about names, with the words and paths every page needs."""

from collections.abc import Iterable

from jinja2 import Environment, PackageLoader, StrictUndefined

from streamapp.web import format as words
from streamapp.web.routes import Route


def create_templates(routes: Iterable[Route]) -> Environment:
    """The environment that renders every page; `routes` make the menu."""
    templates = Environment(
        loader=PackageLoader("streamapp.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.globals["menu"] = [route for route in routes if route.nav]
    templates.globals["entry_path"] = words.entry_path
    templates.globals["scoped"] = words.scoped
    for name in ("shown", "brief", "label", "moment", "iso"):
        templates.filters[name] = getattr(words, name)
    templates.tests["moment"] = words.is_moment
    return templates
