import hashlib
import re
from base64 import b64encode

import pytest
from jinja2 import UndefinedError

from darkroom.report.pages import page, policy


def folder(**changes: object) -> str:
    values = {"folder": "out", "total": 0, "page": 1, "pages": 1, "figures": []}
    return page("folder.html", pictures="'self'", **{**values, **changes}).decode()


@pytest.mark.parametrize("tag", ["style", "script"])
def test_the_policy_knows_script_and_style_by_their_digests(tag: str) -> None:
    (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", folder(), re.DOTALL)
    digest = b64encode(hashlib.sha256(content.encode()).digest()).decode()
    assert f"{tag}-src 'sha256-{digest}'" in policy("'self'")


def test_the_page_states_its_policy() -> None:
    assert policy("'self'").replace("'", "&#39;") in folder()


def test_texts_are_escaped() -> None:
    text = folder(folder="<b>&\x1b\udcff")
    assert "<h1>&lt;b&gt;&amp;\\x1b\\xff</h1>" in text


def test_a_value_that_is_missing_is_a_bug() -> None:
    with pytest.raises(UndefinedError):
        page("folder.html", pictures="data:")
