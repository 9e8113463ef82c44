import errno
import io
import os
import sys
from pathlib import Path

import pytest

from darkroom.batch.inputs import Found, expand_inputs, read_names
from darkroom.errors import NothingMatched, UsageProblem


def is_raw(path: Path) -> bool:
    return path.suffix.lower() in {".arw", ".dng"}


def expand(*args: str | Path, files_from: str | None = None, null: bool = False) -> list[str]:
    found = expand_inputs(
        [str(arg) for arg in args], files_from=files_from, null_separated=null, is_input=is_raw
    )
    return [item.path.as_posix() for item in found.inputs]


def search(*args: str, files_from: str | None = None) -> Found:
    return expand_inputs(args, files_from=files_from, is_input=is_raw)


def make(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode("utf-8", "surrogateescape"))


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_folder_stands_for_its_raw_files_sorted_and_recursive(in_folder: Path) -> None:
    make(in_folder, "card/b.ARW", "card/a.dng", "card/note.txt", "card/day/c.Arw", "card/z.jpg")
    assert expand("card") == ["card/a.dng", "card/b.ARW", "card/day/c.Arw"]


def test_a_folder_hides_hidden_files_and_own_outputs(in_folder: Path) -> None:
    make(
        in_folder, "a.ARW", "a.ARW.tif", "a.ARW.dng", ".b.ARW", ".trash/c.ARW", ".a.ARW.tif.1.part"
    )
    assert expand(".") == ["a.ARW"]


def test_a_file_that_is_only_named_like_an_output_is_found(in_folder: Path) -> None:
    make(in_folder, "card/a.RAW.dng", "card/b.ARW", "card/b.ARW.dng")
    assert expand("card") == ["card/a.RAW.dng", "card/b.ARW"]


def test_paths_below_a_folder_are_remembered(in_folder: Path) -> None:
    make(in_folder, "card/day/c.ARW", "d.ARW")
    found = expand_inputs(["card", "card/../d.ARW"], is_input=is_raw)
    assert [item.below.as_posix() for item in found.inputs] == ["day/c.ARW", "d.ARW"]


def test_every_file_lies_at_its_place_below_its_root(in_folder: Path) -> None:
    make(in_folder, "card/day/c.ARW", "roll/d.ARW", "e.ARW")
    found = search("card", "roll/*.ARW", "e.ARW", str(in_folder / "gone.ARW"))
    assert [item.root for item in found.inputs] == [
        Path("card"),
        Path("roll"),
        Path(),
        in_folder,
    ]
    assert all(item.path == item.root / item.below for item in found.inputs)


def test_folders_that_were_searched_are_told_even_where_they_are_empty(in_folder: Path) -> None:
    make(in_folder, "card/a.ARW", "roll/b.ARW", "lone.ARW")
    (in_folder / "empty").mkdir()
    (in_folder / "list").write_text("card\n")
    found = search("r*", "empty", "lone.ARW", files_from="list")
    assert found.folders == (Path("roll"), Path("empty"), Path("card"))


def test_patterns_work_as_in_the_shell(in_folder: Path) -> None:
    make(in_folder, "b.ARW", "a.ARW", "c.arw", "x/d.ARW", "x/y/e.ARW", ".h.ARW")
    assert expand("*.ARW") == ["a.ARW", "b.ARW"]
    assert expand("**/*.ARW") == ["a.ARW", "b.ARW", "x/d.ARW", "x/y/e.ARW"]
    assert expand(in_folder / "?.arw") == [f"{in_folder.as_posix()}/c.arw"]


@pytest.mark.parametrize("start", ["", "./", "../here/", "{absolute}/"])
def test_files_of_a_pattern_keep_their_places_below_its_fixed_part(
    in_folder: Path, monkeypatch: pytest.MonkeyPatch, start: str
) -> None:
    make(in_folder, "here/roll/x/a.ARW", "here/roll/y/a.ARW")
    monkeypatch.chdir(in_folder / "here")
    start = start.format(absolute=in_folder.as_posix() + "/here")
    for pattern, places in (("roll/*/a.ARW", ["x/a.ARW", "y/a.ARW"]), ("*/x/*", ["roll/x/a.ARW"])):
        found = search(start + pattern)
        assert [item.below.as_posix() for item in found.inputs] == places
        assert all(item.root / item.below == item.path for item in found.inputs)


def test_an_existing_name_is_no_pattern(in_folder: Path) -> None:
    make(in_folder, "IMG[1].ARW", "IMG1.ARW")
    assert expand("IMG[1].ARW") == ["IMG[1].ARW"]


def test_a_missing_file_stays_in_the_list(in_folder: Path) -> None:
    make(in_folder, "a.ARW")
    assert expand("gone.ARW", "a.ARW") == ["gone.ARW", "a.ARW"]


def test_named_files_need_no_raw_name(in_folder: Path) -> None:
    make(in_folder, "scan.bin")
    assert expand("scan.bin") == ["scan.bin"]


def test_what_matches_nothing_is_told(in_folder: Path) -> None:
    make(in_folder, "a.ARW", "empty/note.txt")
    found = expand_inputs(["a.ARW", "*.DNG", "empty"], is_input=is_raw)
    assert found.unmatched == ("*.DNG", "empty")


@pytest.mark.parametrize("args", [[], ["*.ARW"], ["empty"]])
def test_nothing_at_all_ends_with_code_3(in_folder: Path, args: list[str]) -> None:
    (in_folder / "empty").mkdir()
    with pytest.raises(NothingMatched) as caught:
        expand(*args)
    assert all(arg in str(caught.value) for arg in args)


def test_an_empty_name_is_not_the_current_folder(in_folder: Path) -> None:
    make(in_folder, "a.ARW")
    with pytest.raises(UsageProblem, match="empty"):
        expand("")


def test_each_file_is_worked_on_once(in_folder: Path) -> None:
    make(in_folder, "a.ARW", "x/b.ARW")
    os.link("a.ARW", "hard.ARW")
    Path("soft.ARW").symlink_to("a.ARW")
    names = ["a.ARW", "./a.ARW", str(in_folder / "a.ARW"), "hard.ARW", "soft.ARW", "x", "x/b.ARW"]
    assert expand(*names, "gone.ARW", "./gone.ARW") == ["a.ARW", "x/b.ARW", "gone.ARW"]


def test_one_path_spelled_in_many_ways_is_no_duplicate(in_folder: Path) -> None:
    make(in_folder, "x/a.ARW")
    found = search("x", "x/a.ARW", "./x/a.ARW", "x/../x/a.ARW", str(in_folder / "x"), "x/*")
    assert len(found.inputs) == 1
    assert found.duplicates == ()


def test_another_name_of_a_file_is_told_once(in_folder: Path) -> None:
    make(in_folder, "x/a.ARW")
    os.link("x/a.ARW", "hard.ARW")
    Path("x/soft.ARW").symlink_to("a.ARW")
    Path("y").symlink_to("x")
    found = search("x", "hard.ARW", "./hard.ARW", "y/a.ARW")
    assert [item.path for item in found.inputs] == [Path("x/a.ARW")]
    assert [(other.path, other.first) for other in found.duplicates] == [
        (Path("x/soft.ARW"), Path("x/a.ARW")),
        (Path("hard.ARW"), Path("x/a.ARW")),
        (Path("y/a.ARW"), Path("x/a.ARW")),
    ]


def test_overlapping_folders_give_each_file_once_and_no_duplicates(in_folder: Path) -> None:
    make(in_folder, "card/a.ARW", "card/day/b.ARW")
    found = search("card/day", "card")
    assert [item.path.as_posix() for item in found.inputs] == ["card/day/b.ARW", "card/a.ARW"]
    assert found.duplicates == ()


def test_file_systems_without_inodes_are_no_duplicates(
    in_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(in_folder, "a.ARW", "b.ARW")
    plain = Path.stat

    def without_inode(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        status = list(plain(path, follow_symlinks=follow_symlinks))
        status[1] = 0
        return os.stat_result(status)

    monkeypatch.setattr(Path, "stat", without_inode)
    found = search("a.ARW", "b.ARW", "./a.ARW", ".")
    assert [item.path.name for item in found.inputs] == ["a.ARW", "b.ARW"]
    assert found.duplicates == ()


def test_a_folder_that_cannot_be_read_is_not_a_silent_gap(
    in_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(in_folder, "card/a.ARW", "card/locked/b.ARW")
    plain = os.scandir

    def refusing(path: str) -> object:
        if Path(path).resolve().name == "locked":
            raise PermissionError(13, "Permission denied", path)
        return plain(path)

    monkeypatch.setattr(os, "scandir", refusing)
    assert expand("card") == ["card/a.ARW", "card/locked"]
    monkeypatch.chdir("card/locked")
    (item,) = search(".").inputs
    assert (item.path.name, item.below) == ("locked", Path("locked"))


def test_links_to_folders_are_not_followed(in_folder: Path) -> None:
    make(in_folder, "card/a.ARW")
    Path("card/loop").symlink_to("..")
    assert expand("card") == ["card/a.ARW"]


def test_links_to_folders_are_no_files_whatever_their_name(in_folder: Path) -> None:
    make(in_folder, "card/a.ARW", "card/day.ARW/b.ARW")
    Path("card/link.ARW").symlink_to("day.ARW")
    Path("card/gone.ARW").symlink_to("nowhere")
    assert expand("card") == ["card/a.ARW", "card/gone.ARW", "card/day.ARW/b.ARW"]


def test_a_loop_of_links_stays_in_the_list(in_folder: Path) -> None:
    Path("loop.ARW").symlink_to("loop.ARW")
    assert expand("loop.ARW") == ["loop.ARW"]
    assert expand(".") == ["loop.ARW"]


def test_a_name_too_long_for_any_file_stays_in_the_list() -> None:
    assert expand("a" * 300 + ".ARW") == ["a" * 300 + ".ARW"]


def test_a_file_in_a_folder_that_must_not_be_entered_stays_in_the_list(
    in_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "stat", denied)
    assert expand("locked/a.ARW") == ["locked/a.ARW"]


def test_folders_may_lie_deeper_than_functions_can_call_each_other(in_folder: Path) -> None:
    depth = sys.getrecursionlimit() + 20
    for _ in range(depth):
        Path("d").mkdir()
        os.chdir("d")
    Path("a.ARW").touch()
    (item,) = search(str(in_folder)).inputs
    assert len(item.below.parts) == depth + 1
    Path("a.ARW").unlink()
    for _ in range(depth):  # what clears up after tests does not reach so deep either
        os.chdir("..")
        Path("d").rmdir()


@pytest.mark.parametrize("name", [b"\xff.ARW", b"-n.ARW", b"%s\n'\".ARW", "Zoe\u0308.ARW".encode()])
def test_files_of_any_name_are_found_in_folders(in_folder: Path, name: bytes) -> None:
    Path(os.fsdecode(name)).touch()
    (item,) = search(".").inputs
    assert os.fsencode(item.path) == name


def test_lists_hold_names_of_any_bytes(in_folder: Path) -> None:
    names = [b"a b.ARW", b"-n.ARW", b"\xff\xfe.ARW", "é*.ARW".encode(), b"new\nline.ARW"]
    Path("zero").write_bytes(b"\0".join(names) + b"\0")
    assert [os.fsencode(name) for name in read_names("zero", null_separated=True)] == names
    Path("lines").write_bytes(b"\n".join(names[:4]) + b"\n\n")
    assert [os.fsencode(name) for name in read_names("lines", null_separated=False)] == names[:4]


def test_listed_names_are_never_patterns(in_folder: Path) -> None:
    make(in_folder, "a.ARW", "card/b.ARW")
    Path("list").write_text("*.ARW\ncard\n")
    assert expand(files_from="list") == ["*.ARW", "card/b.ARW"]


def test_the_list_may_come_from_the_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a.ARW\0b.ARW\0")))
    assert expand(files_from="-", null=True) == ["a.ARW", "b.ARW"]


def test_a_null_separated_list_read_as_lines_is_refused(in_folder: Path) -> None:
    Path("zero").write_bytes(b"a.ARW\0b.ARW\0")
    with pytest.raises(UsageProblem, match="--null"):
        expand(files_from="zero")


def test_a_missing_list_is_wrong_use() -> None:
    with pytest.raises(UsageProblem, match=r"gone\.txt"):
        expand(files_from="gone.txt")


def test_outputs_beside_their_inputs_are_no_inputs(tmp_path: Path) -> None:
    for name in ("a.ARW", "a.ARW.tif", "b.ARW", "c.tif"):
        (tmp_path / name).write_text(name)
    pattern = str(tmp_path / "*")
    found = expand_inputs([pattern], is_input=lambda path: path.suffix == ".ARW")
    assert [item.path.name for item in found.inputs] == ["a.ARW", "b.ARW", "c.tif"]


def test_lists_written_on_windows_are_read(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes(b"a.ARW\r\nb.ARW\r\n")
    assert read_names(str(tmp_path / "list.txt"), null_separated=False) == ["a.ARW", "b.ARW"]
