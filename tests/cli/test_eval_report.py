from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.cli.eval_pictures import scene, write, write_truths

Run = Callable[..., Any]


def test_a_page_is_written(darkroom: Run) -> None:
    write_truths(Path("truths"))
    for seed in range(2):
        write(Path(f"results/t{seed}.png"), scene(seed) // 2 * 2)
    ended = darkroom("eval", "results", "truths", "--report", "out.html", "--report-pictures", "1")
    assert ended.code == 0, ended.err
    page = Path("out.html").read_text()
    assert page.startswith("<!doctype html>")
    assert page.count('<figure class="compare">') == 2  # the worst, and the best
    assert darkroom("eval", "results", "truths", "--report", "out.html").code == 2
    assert darkroom("eval", "results", "truths", "--report", "x", "--json", "x").code == 2
