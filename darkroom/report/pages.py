"""HTML pages that need nothing but themselves: no address outside, no script but their own.

Every text is escaped, whatever file name or card it comes from, and the page's policy lets the
browser run the one script and style that are known by their digests (CSP level 3, hashes).
"""

import hashlib
from base64 import b64encode
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from darkroom import __version__
from darkroom.report.console import printable

TEMPLATES = Path(__file__).with_name("templates")


def page(template: str, *, pictures: str, **values: object) -> bytes:
    """Return a page, UTF-8.

    Args:
        template: name of a file in the folder `templates`.
        pictures: where pictures may come from, in the words of a policy: "data:" or "'self'".
        values: what the template shows.
    """
    text = (
        _environment()
        .get_template(template)
        .render(values, policy=policy(pictures), version=__version__)
    )
    return text.encode()


def policy(pictures: str) -> str:
    """Return the content security policy of a page whose pictures come from `pictures`."""
    style, script = (_digest(name) for name in ("page.css", "page.js"))
    return (
        f"default-src 'none'; img-src {pictures} data:; style-src '{style}';"
        f" script-src '{script}'; base-uri 'none'; form-action 'none'"
    )


def data_uri(content: bytes, kind: str) -> str:
    """Return a file as an address that holds it.

    >>> data_uri(b"night", "image/png")
    'data:image/png;base64,bmlnaHQ='
    """
    return f"data:{kind};base64,{b64encode(content).decode()}"


def _shown(value: object) -> object:
    """Make a value fit for a page: control characters, and bytes that are no text, are escaped."""
    is_markup = hasattr(value, "__html__")  # a piece of a page, made of values already shown
    return printable(value) if isinstance(value, str) and not is_markup else value


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES, encoding="utf-8"),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _digest(name: str) -> str:
    text = _environment().get_template(name).render()
    return "sha256-" + b64encode(hashlib.sha256(text.encode()).digest()).decode()
