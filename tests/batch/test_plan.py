import unicodedata
from pathlib import Path

import pytest

from darkroom.batch.inputs import Input, expand_inputs
from darkroom.batch.plan import Job, plan_jobs, refuse_collisions
from darkroom.errors import UsageProblem


def named(*paths: str | Path) -> list[Input]:
    return [Input(Path(path), Path(Path(path).name)) for path in paths]


def test_an_output_lies_beside_its_input_and_keeps_the_full_name() -> None:
    jobs = plan_jobs(named("card/IMG_1.ARW", "IMG_1.dng"), out_dir=None, suffix=".tif")
    assert jobs == [
        Job(Path("card/IMG_1.ARW"), Path("card/IMG_1.ARW.tif")),
        Job(Path("IMG_1.dng"), Path("IMG_1.dng.tif")),
    ]


def test_raw_and_dng_of_one_shot_do_not_collide() -> None:
    targets = {
        job.target for job in plan_jobs(named("a.ARW", "a.DNG"), out_dir=None, suffix=".png")
    }
    assert targets == {Path("a.ARW.png"), Path("a.DNG.png")}


def test_the_tree_below_a_folder_is_kept_in_the_output_folder(tmp_path: Path) -> None:
    for name in ("day1/a.ARW", "day2/a.ARW", "b.ARW"):
        (tmp_path / "card" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "card" / name).touch()
    arguments = [str(tmp_path / "card"), "elsewhere/c.ARW"]
    found = expand_inputs(arguments, is_input=lambda path: path.suffix == ".ARW")
    jobs = plan_jobs(found.inputs, out_dir=Path("out"), suffix=".tif")
    targets = {job.target.as_posix() for job in jobs}
    expected = {"b.ARW", "day1/a.ARW", "day2/a.ARW", "c.ARW"}
    assert targets == {f"out/{name}.tif" for name in expected}


COMPOSED = unicodedata.normalize("NFC", "Zoë.ARW")
DECOMPOSED = unicodedata.normalize("NFD", "Zoë.ARW")


@pytest.mark.parametrize(
    "pair", [("a/1.ARW", "b/1.ARW"), ("a/1.ARW", "b/1.arw"), (f"a/{COMPOSED}", f"b/{DECOMPOSED}")]
)
def test_two_inputs_never_share_an_output(pair: tuple[str, str]) -> None:
    with pytest.raises(UsageProblem) as caught:
        plan_jobs(named(*pair), out_dir=Path("out"), suffix=".tif")
    assert all(name in str(caught.value) for name in pair)


def test_inputs_in_different_folders_do_not_collide_beside_themselves() -> None:
    assert len(plan_jobs(named("a/1.ARW", "b/1.ARW"), out_dir=None, suffix=".tif")) == 2


def test_outputs_reached_through_a_linked_folder_collide(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    paths = [tmp_path / "real/1.ARW", tmp_path / "link/1.ARW"]
    with pytest.raises(UsageProblem, match="both"):
        plan_jobs(named(*paths), out_dir=None, suffix=".tif")


def test_an_output_never_replaces_an_input() -> None:
    with pytest.raises(UsageProblem, match="replace"):
        plan_jobs(named("a.ARW", "a.ARW.TIF"), out_dir=None, suffix=".tif")


def test_names_too_long_for_file_systems_are_refused_beforehand() -> None:
    longest = "é" * 123 + "a.ARW"  # 251 bytes
    assert plan_jobs(named(longest), out_dir=None, suffix=".tif")
    with pytest.raises(UsageProblem, match="256 bytes"):
        plan_jobs(named("a" + longest), out_dir=None, suffix=".tif")


def test_names_that_are_not_text_are_planned() -> None:
    (job,) = plan_jobs(named("\udcff.ARW"), out_dir=Path("out"), suffix=".tif")
    assert job.target == Path("out/\udcff.ARW.tif")


def test_a_file_as_output_folder_is_wrong_use(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(UsageProblem, match="not a folder"):
        plan_jobs(named("a.ARW"), out_dir=tmp_path / "out", suffix=".tif")


def test_the_file_behind_a_link_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "real.dng").write_text("mine")
    (tmp_path / "link.dng").symlink_to(tmp_path / "real.dng")
    with pytest.raises(UsageProblem, match="would replace"):
        refuse_collisions([Job(tmp_path / "link.dng", tmp_path / "real.dng")])
