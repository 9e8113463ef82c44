from pathlib import Path

import numpy as np
import pytest

from darkroom.errors import FailureCode, FileProblem
from darkroom.evaluate import Scored, Sight
from darkroom.measure.colour_difference import delta_e_76, srgb_to_lab
from darkroom.measure.metrics import STRIP
from darkroom.picture.drawing import PAPER, Pixels
from darkroom.picture.load import load_picture
from darkroom.picture.scatter import draw_scatter, joint_counts
from darkroom.report.plots import difference_map, free_name, plotting, strip_of


def scene(seed: int = 0, rows: int = 24) -> np.ndarray:
    return np.random.default_rng(seed).random((rows, 32, 3), np.float32)


def scored(name: str) -> Scored:
    return Scored(name, Path(name))


def loaded(path: Path) -> Pixels:
    return np.rint(load_picture(path) * 255).astype(np.uint8)


def refused(problem: FileProblem) -> None:
    raise problem


def test_each_row_has_its_scatter_and_each_picture_its_strip(tmp_path: Path) -> None:
    first, second = Sight(scene(0), scene(1), scene(2)), Sight(scene(3), scene(4), scene(5))
    with plotting(tmp_path, overwrite=False, failed=refused) as draw:
        draw("nir-unet", scored("water/1"), first)
        draw("runs/other.safetensors", scored("water/1"), first)
        draw("nir-unet", scored("2"), second)
        draw("nir-unet", scored("3"), None)
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*.png")) == [
        "nir-unet/pictures/2.png",
        "nir-unet/pictures/water/1.png",
        "nir-unet/scatter.png",
        "other/pictures/water/1.png",
        "other/scatter.png",
    ]
    counts = sum(joint_counts(sight.truth, sight.result) for sight in (first, second))
    scatter = loaded(tmp_path / "nir-unet" / "scatter.png")
    assert (scatter == draw_scatter(counts, "nir-unet")).all()
    assert (loaded(tmp_path / "nir-unet" / "pictures" / "2.png") == strip_of(second)).all()


def test_planes_of_raw_frames_are_not_drawn(tmp_path: Path) -> None:
    planes = np.zeros((8, 8, 4), np.float32)
    with plotting(tmp_path, overwrite=False, failed=refused) as draw:
        draw("unet", scored("1"), Sight(planes, planes))
    assert list(tmp_path.iterdir()) == []


def test_the_map_is_zero_where_pictures_are_equal() -> None:
    truth, result = scene(0), scene(0)
    result[:, :5] = 1 - result[:, :5]
    differences = difference_map(Sight(truth, result))
    assert (differences[:, 5:] == 0).all()
    assert (differences[:, :5] > 0).all()


def test_strips_of_rows_make_no_difference() -> None:
    sight = Sight(scene(0, STRIP + 3), scene(1, STRIP + 3))
    whole = delta_e_76(srgb_to_lab(sight.truth), srgb_to_lab(sight.result))
    assert difference_map(sight) == pytest.approx(whole, rel=1e-6)


def test_a_source_makes_the_strip_longer() -> None:
    with_source, without = (strip_of(Sight(scene(), scene(), s)) for s in (scene(), None))
    assert with_source.shape[1] - without.shape[1] == 40
    assert len(with_source) == len(without)
    assert (without == PAPER).any()


@pytest.mark.parametrize(
    ("name", "plain"),
    [("nir-unet", "nir-unet"), ("a/b.safetensors", "b"), (".", "results"), ("../x", "x")],
)
def test_a_row_gets_a_plain_folder(name: str, plain: str) -> None:
    assert free_name(name, []) == plain
    assert free_name(name, [Path(plain), Path(f"{plain}-2")]) == f"{plain}-3"


def test_what_exists_is_kept_unless_it_may_be_replaced(tmp_path: Path) -> None:
    old = tmp_path / "grey" / "scatter.png"
    old.parent.mkdir()
    old.write_text("mine")
    problems: list[FileProblem] = []
    with plotting(tmp_path, overwrite=False, failed=problems.append) as draw:
        draw("grey", scored("1"), Sight(scene(), scene()))
    assert old.read_text() == "mine"
    assert [problem.code for problem in problems] == [FailureCode.COLLISION]
    assert (tmp_path / "grey" / "pictures" / "1.png").is_file()
    with plotting(tmp_path, overwrite=True, failed=refused) as draw:
        draw("grey", scored("1"), Sight(scene(), scene()))
    assert load_picture(old).shape[-1] == 3


def test_a_plot_that_cannot_be_written_stops_no_other(tmp_path: Path) -> None:
    (tmp_path / "grey").write_text("in the way")
    problems: list[FileProblem] = []
    with plotting(tmp_path, overwrite=True, failed=problems.append) as draw:
        for name in ("grey", "unet"):
            draw(name, scored("1"), Sight(scene(), scene()))
    assert [problem.code for problem in problems] == [FailureCode.WRITE_DENIED] * 2
    assert len(list((tmp_path / "unet").rglob("*.png"))) == 2
