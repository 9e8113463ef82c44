import os
import shutil
import time
import tracemalloc
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from darkroom.batch import plan
from darkroom.batch.inputs import Found, Input, expand_inputs
from darkroom.batch.plan import (
    LONGEST_FOLDER,
    Job,
    check_folders,
    plan_jobs,
    refuse_collisions,
    single_job,
)
from darkroom.errors import FailureCode, FileProblem, StoppedEarly, UsageProblem


def named(*paths: str | Path) -> Found:
    names = map(Path, paths)
    return Found(tuple(Input(path, Path(path.name), path.parent) for path in names))


def search(*args: str | Path, files_from: Path | None = None) -> Found:
    return expand_inputs(
        [str(arg) for arg in args],
        files_from=None if files_from is None else str(files_from),
        is_input=lambda path: path.suffix in {".ARW", ".DNG"},
    )


def make(folder: Path, *names: str | bytes) -> None:
    for name in names:
        path = folder / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_an_output_lies_beside_its_input_and_keeps_the_full_name() -> None:
    jobs = plan_jobs(named("card/IMG_1.ARW", "IMG_1.dng"), out_dir=None, suffix=".tif")
    assert jobs == [
        Job(Path("card/IMG_1.ARW"), Path("card/IMG_1.ARW.tif"), Path("card"), Path("IMG_1.ARW")),
        Job(Path("IMG_1.dng"), Path("IMG_1.dng.tif"), Path(), Path("IMG_1.dng")),
    ]


def test_raw_and_dng_of_one_shot_do_not_collide() -> None:
    targets = {
        job.target for job in plan_jobs(named("a.ARW", "a.DNG"), out_dir=None, suffix=".png")
    }
    assert targets == {Path("a.ARW.png"), Path("a.DNG.png")}


def test_the_tree_below_a_folder_is_kept_in_the_output_folder(tmp_path: Path) -> None:
    make(tmp_path / "card", "day1/a.ARW", "day2/a.ARW", "b.ARW")
    found = search(tmp_path / "card", "elsewhere/c.ARW")
    jobs = plan_jobs(found, out_dir=Path("out"), suffix=".tif")
    targets = {job.target.as_posix() for job in jobs}
    expected = {"b.ARW", "day1/a.ARW", "day2/a.ARW", "c.ARW"}
    assert targets == {f"out/{name}.tif" for name in expected}


@pytest.mark.parametrize("out_dir", [None, Path("out"), Path("/out"), Path("/")])
def test_an_output_lies_below_its_root_where_the_input_lies_below_what_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out_dir: Path | None
) -> None:
    monkeypatch.chdir(tmp_path)
    make(tmp_path, "card/day/a.ARW", "roll/b.ARW", "c.ARW", "d")
    found = search("card", tmp_path / "roll" / "*.ARW", "./c.ARW", "d", "gone/e.ARW")
    jobs = plan_jobs(found, out_dir=out_dir, suffix=".tif")
    roots = [Path("card"), tmp_path / "roll", Path(), Path(), Path("gone")]
    assert [job.root for job in jobs] == [out_dir or root for root in roots]
    for job in jobs:
        assert job.target == job.root / job.below.parent / f"{job.below.name}.tif"


def test_the_place_of_a_file_does_not_depend_on_where_the_tree_is_mounted(tmp_path: Path) -> None:
    for mount in ("here", "there/far"):
        make(tmp_path / mount / "card", "day/a.ARW", "b.ARW")
    places = [
        [
            job.below
            for job in plan_jobs(search(tmp_path / mount / "card"), out_dir=None, suffix="x")
        ]
        for mount in ("here", "there/far")
    ]
    assert places[0] == places[1] == [Path("b.ARW"), Path("day/a.ARW")]


NASTY = [
    b"-n.ARW",
    b"--help.ARW",
    b"%s%n.ARW",
    b"new\nline.ARW",
    b"'\"`$(x).ARW",
    b"\xff\xfe.ARW",
    b"dots...ARW",
    b" .ARW",
    b"\x1b[31m.ARW",
    "Zoe\u0308.ARW".encode(),
    b"a" * 247 + b".ARW",
]


@pytest.mark.parametrize("out", [None, "out"])
def test_files_of_any_name_are_planned_under_that_very_name(
    tmp_path: Path, out: str | None
) -> None:
    make(tmp_path / "card", *NASTY)
    out_dir = None if out is None else tmp_path / out
    jobs = plan_jobs(search(tmp_path / "card"), out_dir=out_dir, suffix=".tif")
    planned = {os.fsencode(job.source.name): job.target for job in jobs}
    assert set(planned) == set(NASTY)
    for name, target in planned.items():
        assert os.fsencode(target.name) == name + b".tif"
        make(target.parent, os.fsencode(target.name))  # the disk takes it


def test_a_name_may_end_in_a_dot() -> None:
    (job,) = plan_jobs(named("a.ARW."), out_dir=None, suffix=".tif")
    assert job.target == Path("a.ARW..tif")


COMPOSED = unicodedata.normalize("NFC", "Zoë.ARW")
DECOMPOSED = unicodedata.normalize("NFD", "Zoë.ARW")


@pytest.mark.parametrize(
    "pair", [("a/1.ARW", "b/1.ARW"), ("a/1.ARW", "b/1.arw"), (f"a/{COMPOSED}", f"b/{DECOMPOSED}")]
)
def test_two_inputs_never_share_an_output(pair: tuple[str, str]) -> None:
    with pytest.raises(UsageProblem) as caught:
        plan_jobs(named(*pair), out_dir=Path("out"), suffix=".tif")
    assert all(name in str(caught.value) for name in pair)


def test_names_that_only_some_disks_tell_apart_are_refused_in_these_words() -> None:
    with pytest.raises(UsageProblem, match="do not tell such names apart"):
        plan_jobs(named(COMPOSED, DECOMPOSED), out_dir=None, suffix=".tif")
    with pytest.raises(UsageProblem, match=r"1\.ARW\.tif;"):
        plan_jobs(named("a/1.ARW", "b/1.ARW"), out_dir=Path("out"), suffix=".tif")


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


def test_paths_too_long_for_linux_are_refused_beforehand() -> None:
    folder = Path("/" + "/".join(["d" * 99] * 39))  # 3,900 bytes
    shortest = Path(*folder.parts[: 1 + LONGEST_FOLDER // 100])
    assert plan_jobs(named("a.ARW"), out_dir=shortest, suffix=".tif")
    with pytest.raises(UsageProblem, match=r"3900 bytes.*-o"):
        plan_jobs(named("a.ARW"), out_dir=folder, suffix=".tif")


def test_a_file_as_output_folder_is_wrong_use(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(UsageProblem, match="not a folder"):
        plan_jobs(named("a.ARW"), out_dir=tmp_path / "out", suffix=".tif")
    with pytest.raises(UsageProblem, match="not a folder"):
        plan_jobs(named("a.ARW"), out_dir=tmp_path / "out" / "day", suffix=".tif")


def test_a_dangling_link_as_output_folder_is_wrong_use(tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to("gone")
    with pytest.raises(UsageProblem, match="not a folder"):
        plan_jobs(named("a.ARW"), out_dir=tmp_path / "out", suffix=".tif")


def test_a_folder_with_the_name_of_an_output_is_refused_and_left_alone(tmp_path: Path) -> None:
    make(tmp_path, "a.ARW", "a.ARW.tif/kept")
    with pytest.raises(UsageProblem, match=r"a folder named .*a\.ARW\.tif"):
        plan_jobs(named(tmp_path / "a.ARW"), out_dir=None, suffix=".tif")
    assert (tmp_path / "a.ARW.tif/kept").exists()


@pytest.mark.parametrize("target", ["picture", "elsewhere", "gone"])
def test_a_file_or_link_with_the_name_of_an_output_is_no_matter_of_the_plan(
    tmp_path: Path, target: str
) -> None:
    make(tmp_path, "a.ARW", "picture", "elsewhere/b")
    (tmp_path / "a.ARW.tif").symlink_to(target)
    assert len(plan_jobs(named(tmp_path / "a.ARW"), out_dir=None, suffix=".tif")) == 1


@pytest.mark.parametrize("out", ["card", "card/out", "card/new/out", "way/out", "card/../card/out"])
def test_outputs_never_go_where_inputs_are_searched(tmp_path: Path, out: str) -> None:
    make(tmp_path, "card/a.ARW", "card/out/b.txt", "else/c.ARW")
    (tmp_path / "way").symlink_to("card")
    found = search(tmp_path / "else", tmp_path / "card")
    with pytest.raises(UsageProblem, match="searched") as caught:
        plan_jobs(found, out_dir=tmp_path / out, suffix=".tif")
    assert f"'{tmp_path / 'card'}'" in str(caught.value)


def test_a_linked_folder_is_searched_where_it_really_is(tmp_path: Path) -> None:
    make(tmp_path, "card/a.ARW")
    (tmp_path / "way").symlink_to("card")
    with pytest.raises(UsageProblem, match="searched"):
        plan_jobs(search(tmp_path / "way"), out_dir=tmp_path / "card/out", suffix=".tif")


def test_an_empty_folder_is_searched_as_well(tmp_path: Path) -> None:
    make(tmp_path, "a.ARW")
    (tmp_path / "empty").mkdir()
    found = search(tmp_path / "a.ARW", tmp_path / "empty")
    with pytest.raises(UsageProblem, match="searched"):
        plan_jobs(found, out_dir=tmp_path / "empty", suffix=".tif")


@pytest.mark.parametrize("out", [".", "card2", "out", "card/way"])
def test_outputs_may_go_anywhere_else(tmp_path: Path, out: str) -> None:
    make(tmp_path, "card/a.ARW", "far/b.txt")
    (tmp_path / "card/way").symlink_to("../far")  # links to folders are not searched
    jobs = plan_jobs(search(tmp_path / "card"), out_dir=tmp_path / out, suffix=".tif")
    assert [job.target for job in jobs] == [tmp_path / out / "a.ARW.tif"]


def test_the_folder_of_a_named_file_is_not_searched(tmp_path: Path) -> None:
    make(tmp_path, "a.ARW", "b.ARW")
    found = search(tmp_path / "a.ARW", tmp_path / "b*")
    assert len(plan_jobs(found, out_dir=tmp_path, suffix=".tif")) == 2


def test_outputs_beside_inputs_are_not_found_by_the_next_run(tmp_path: Path) -> None:
    make(tmp_path, "a.ARW", "day/b.DNG")
    for suffix in (".tif", ".png", ".DNG"):
        jobs = plan_jobs(search(tmp_path), out_dir=None, suffix=suffix)
        for job in jobs:
            job.target.touch()
        assert plan_jobs(search(tmp_path), out_dir=None, suffix=suffix) == jobs


def test_the_file_behind_a_link_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "real.dng").write_text("mine")
    (tmp_path / "link.dng").symlink_to(tmp_path / "real.dng")
    with pytest.raises(UsageProblem, match="would replace"):
        refuse_collisions([single_job(tmp_path / "link.dng", tmp_path / "real.dng")])


def test_a_loop_of_links_is_planned_and_fails_later(tmp_path: Path) -> None:
    (tmp_path / "loop.ARW").symlink_to("loop.ARW")
    assert len(plan_jobs(search(tmp_path), out_dir=None, suffix=".tif")) == 1


def refusing(*folders: str) -> tuple[list[Path], object]:
    """Return a check that lets no output into some folders, and what it was asked."""
    asked = []

    def check(target: Path) -> None:
        asked.append(target)
        if target.parent.name in folders:
            what = f"no permission to write in {target.parent}"
            raise FileProblem(FailureCode.WRITE_DENIED, what, "choose another folder with -o")

    return asked, check


def jobs_for(*targets: str) -> Sequence[Job]:
    return [single_job(Path("a.ARW"), Path(target)) for target in targets]


def test_a_batch_with_no_folder_to_write_to_ends_before_it_begins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, check = refusing("one", "two")
    monkeypatch.setattr(plan, "check_writable", check)
    with pytest.raises(StoppedEarly, match="write in one; choose another") as caught:
        check_folders(jobs_for("one/a.tif", "one/b.tif", "two/a.tif"))
    assert caught.value.exit_code == 5
    assert asked == [Path("one/a.tif"), Path("two/a.tif")]  # each folder once


def test_one_folder_that_can_be_written_is_enough_to_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, check = refusing("one")
    monkeypatch.setattr(plan, "check_writable", check)
    check_folders(jobs_for("one/a.tif", "two/a.tif", "three/a.tif"))
    assert asked == [Path("one/a.tif"), Path("two/a.tif")]


def test_folders_that_do_not_exist_yet_can_be_written(tmp_path: Path) -> None:
    check_folders(jobs_for(str(tmp_path / "new/day/a.tif")))
    check_folders([])


def test_a_folder_below_a_file_can_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoppedEarly, match="file is not a folder"):
        check_folders(jobs_for(str(tmp_path / "file/day/a.tif")))


@pytest.fixture(scope="module")
def hundred_thousand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """100,000 empty files in 1,000 folders, and the list of their names."""
    folder = tmp_path_factory.mktemp("many")
    for day in range(1000):
        here = folder / "card" / f"day{day:04}"
        here.mkdir(parents=True)
        for shot in range(100):
            os.close(os.open(f"{here}/DSC{shot:05}.ARW", os.O_CREAT | os.O_WRONLY))
    names = sorted((folder / "card").rglob("*.ARW"))
    (folder / "list").write_text("\n".join(map(str, names)))
    yield folder
    shutil.rmtree(folder)


def plan_all(folder: Path, listed: bool) -> list[Job]:
    found = search(files_from=folder / "list") if listed else search(folder / "card")
    return plan_jobs(found, out_dir=None if listed else folder / "out", suffix=".tif")


@pytest.mark.slow
@pytest.mark.parametrize("listed", [False, True])
def test_100_000_files_are_planned_in_seconds(hundred_thousand: Path, listed: bool) -> None:
    started = time.process_time()  # 3.5 s where it was written; other work must not count
    jobs = plan_all(hundred_thousand, listed)
    assert len(jobs) == 100_000
    assert time.process_time() - started < 15


@pytest.mark.slow
@pytest.mark.parametrize("listed", [False, True])
def test_100_000_files_are_planned_in_200_megabytes(hundred_thousand: Path, listed: bool) -> None:
    names = (hundred_thousand / "list").read_text().splitlines()[:10_000]
    (hundred_thousand / "some").write_text("\n".join(names))
    tracemalloc.start()  # makes all of this slow, so a tenth must do
    try:
        if listed:
            found = search(files_from=hundred_thousand / "some")
        else:
            found = search(hundred_thousand / "card" / "day00*")
        jobs = plan_jobs(found, out_dir=None, suffix=".tif")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(jobs) == 10_000
    assert peak < 20e6


def test_names_that_cannot_be_looked_at_are_planned_all_the_same(tmp_path: Path) -> None:
    good = tmp_path / "good.ARW"
    good.touch()
    far = tmp_path / ("x" * 300) / "a.ARW"
    found = expand_inputs([str(good), str(far)], is_input=lambda path: True)
    jobs = plan_jobs(found, out_dir=tmp_path / "out", suffix=".tif")
    assert [job.source for job in jobs] == [good, far]
