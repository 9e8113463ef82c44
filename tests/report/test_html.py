import base64
import math
import re
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from darkroom.evaluate import PROTOCOL, Evaluation, Row, Scored, Sight
from darkroom.measure.metrics import METRICS
from darkroom.picture.scatter import joint_counts
from darkroom.report.html import Album, collect, histograms, report_page, views_of
from tests.report.browser import browsing
from tests.report.drawings import EVIL, add, drawing, report, sight

NAMES = tuple(f"water/{n}.png" for n in range(8))


class Outline(HTMLParser):
    """Remembers tags, attributes and texts."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attributes

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())

    def values(self, name: str) -> list[str]:
        return [value or "" for key, value in self.attributes if key == name]


def test_every_picture_and_score_is_in_the_table() -> None:
    texts = Outline(report(*NAMES)).texts
    assert set(NAMES) <= set(texts)
    assert {metric.label for metric in METRICS.values()} <= set(texts)
    assert "E_EMPTY: the file has 0 bytes" in texts
    assert "0f" * 32 in texts
    assert "lone.png" in texts
    assert set(PROTOCOL.values()) <= set(texts)


def test_the_page_needs_nothing_else() -> None:
    outline = Outline(report(*NAMES))
    addresses = outline.values("src") + outline.values("href")
    assert len(addresses) > 20
    assert all(address.startswith("data:") for address in addresses)
    assert not {"iframe", "object", "form", "base", "embed"} & set(outline.tags)
    policy = outline.values("content")[0]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert outline.values("style") == []
    assert [name for name, _ in outline.attributes if name.startswith("on")] == []


@pytest.mark.parametrize("name", [EVIL, "a\"onload='x'.png", "{{ 7 * 7 }}.png", "&lt;b&gt;.png"])
def test_names_stay_text(name: str) -> None:
    outline, plain = Outline(report(name, row=name)), Outline(report("plain.png"))
    assert outline.texts.count(name) >= 3
    assert outline.tags == plain.tags
    assert len(outline.attributes) == len(plain.attributes)


def test_names_of_any_bytes_are_shown() -> None:
    page = report("a\udcff\x1b[2J.png").decode()
    assert r"a\xff\x1b[2J.png" in page


def test_the_worst_come_first_and_then_the_best() -> None:
    album = Album(worst=2)
    for name, error in (("a", 0.1), ("b", 0.3), ("c", 0.01), ("d", 0.2)):
        add(album, "unet", name, sight(0, error))
    assert [figure.title for figure in album.parts["unet"].figures()] == ["b", "d", "c"]


def test_few_pictures_are_shown_once() -> None:
    album = Album()
    add(album, "unet", "a", sight(0, 0.1))
    assert [figure.title for figure in album.parts["unet"].figures()] == ["a"]


def test_no_picture_need_be_shown() -> None:
    album = Album(worst=0)
    add(album, "unet", "a", sight(0, 0.1))
    add(album, "unet", "b", sight(0, 0.2))
    assert [figure.title for figure in album.parts["unet"].figures()] == ["a"]


def test_failures_and_planes_are_not_shown() -> None:
    album = Album()
    planes = np.zeros((8, 8, 4), np.float32)
    collect(album, "unet", Scored("a", Path("a"), problem="damaged"), None)
    collect(album, "unet", Scored("b", Path("b"), scores={"psnr": 9.0}), Sight(planes, planes))
    assert album.parts == {}
    rows = (Row("unet", (Scored("a", Path("a"), problem="damaged"),)),)
    assert b"damaged" in report_page(Evaluation(rows, PROTOCOL), album)


def test_infinite_and_missing_scores_are_words() -> None:
    truth = drawing(0, rows=8)
    album = Album()
    scored = add(album, "unet", "equal.png", Sight(truth, truth))
    assert math.isinf(scored.scores["psnr"])
    page = report_page(Evaluation((Row("unet", (scored,)),), PROTOCOL), album).decode()
    assert '<td data-value="inf">inf</td>' in page
    assert '<td data-value="None">-</td>' in page


def test_views_are_pictures_and_a_map() -> None:
    views = views_of(sight(0, 0.1))
    assert [name for name, _ in views] == ["source", "result", "truth", "CIE76"]
    without = views_of(Sight(drawing(), drawing()))
    assert [name for name, _ in without] == ["result", "truth", "CIE76"]
    for _, address in views:
        content = base64.b64decode(address.removeprefix("data:image/jpeg;base64,"))
        assert cv2.imdecode(np.frombuffer(content, np.uint8), 1).shape == (24, 32, 3)


def test_histograms_lie_in_their_box_and_agree_for_equal_pictures() -> None:
    truth = drawing()
    for one in histograms(joint_counts(truth, truth)):
        assert one["true"] == one["made"] + "V100H0Z"
        heights = [float(y) for y in re.findall(r" ([\d.e+-]+)", one["made"])]
        assert len(heights) == 256
        assert (min(heights), max(heights)) == (0, 100)


def test_equal_scores_make_equal_bytes() -> None:
    assert report(*NAMES) == report(*NAMES)


@pytest.mark.slow
def test_the_page_works_in_a_browser(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_bytes(report(*NAMES, EVIL))
    with browsing(tmp_path / "profile") as tab:
        tab.go(page.as_uri())
        names = "[...document.querySelectorAll('#pictures tbody th')].map(x => x.textContent)"
        click = "document.querySelectorAll('#pictures thead button')[{}].click()"
        assert tab.run(names)[-1] == "broken.png"
        tab.run(click.format(3))
        assert tab.run(names)[:2] == [EVIL, NAMES[-1]]
        tab.run(click.format(3))
        assert tab.run(names)[0] == NAMES[0]
        assert tab.run(names)[-1] == "broken.png"  # what has no score is last either way
        tab.run(click.format(1))
        assert tab.run(names)[-8:] == list(NAMES)

        at = "getComputedStyle(document.querySelector('img.over')).clipPath"
        before = tab.run(at)
        tab.run(
            "const range = document.querySelector('.controls input'); range.value = 20;"
            "range.dispatchEvent(new Event('input'))"
        )
        assert "80%" in tab.run(at)
        assert tab.run(at) != before
        box = tab.run(
            "(b => [b.x, b.y, b.width, b.height])"
            "(document.querySelector('.stage').getBoundingClientRect())"
        )
        spot = {"x": box[0] + box[2] * 0.7, "y": box[1] + box[3] / 2}
        for kind in ("mousePressed", "mouseReleased"):
            tab.call("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **spot)
        assert tab.run("document.querySelector('.controls input').value") == "70"
        seen = "[...document.querySelectorAll('.stage')[0].children].filter(x => !x.hidden)"
        assert tab.run(f"{seen}.map(x => x.dataset.view)")[:2] == ["source", "result"]
        tab.run(
            "const right = document.querySelector('.right'); right.selectedIndex = 3;"
            "right.dispatchEvent(new Event('change'))"
        )
        assert tab.run(f"{seen}.map(x => x.dataset.view)")[:2] == ["source", "CIE76"]
        assert tab.run("[...document.images].every(x => x.naturalWidth > 0)")
        assert tab.run("document.scripts.length") == 1
        asked = [address for address in tab.requests if not address.startswith("data:")]
        assert (tab.complaints, asked) == ([], [page.as_uri()])
