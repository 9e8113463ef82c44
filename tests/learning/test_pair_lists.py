from pathlib import Path

import pytest

from darkroom.errors import UsageProblem
from darkroom.learning.config import PairsSection
from darkroom.learning.pair_lists import PairFiles, find_pairs, match_folder, read_list, scene_of

SID = "./Sony/short/00001_00_0.04s.ARW ./Sony/long/00001_00_10s.ARW ISO200 F8\n"


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_lists_of_sid_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "Sony_train_list.txt", "# comment\n" + SID + "\n")
    (pair,) = read_list(path, tmp_path)
    assert pair == PairFiles(
        tmp_path / "Sony/short/00001_00_0.04s.ARW",
        tmp_path / "Sony/long/00001_00_10s.ARW",
        "00001",
        10 / 0.04,
    )


def test_names_without_exposure_leave_the_ratio_open(tmp_path: Path) -> None:
    (pair,) = read_list(write(tmp_path / "l.txt", "a1_x.dng b1_x.dng\n"), tmp_path)
    assert (pair.scene, pair.ratio) == ("a1", None)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (SID + "only_one.ARW\n", 2, "a line reads"),
        ("a b c d e\n", 1, "a line reads"),
        (SID + "\n./long/1_10s.ARW ./short/1_0.1s.ARW ISO200 F8\n", 3, "swapped"),
    ],
)
def test_malformed_lines_are_named(tmp_path: Path, text: str, line: int, words: str) -> None:
    path = write(tmp_path / "list.txt", text)
    with pytest.raises(UsageProblem, match=rf"list\.txt, line {line}: .*{words}"):
        read_list(path, tmp_path)


def test_tables_are_read(tmp_path: Path) -> None:
    table = (
        "\ufeffShort, long, ratio, iso, scene\n"
        "a.dng, b.dng, 80, 200, kitchen\n"
        "3_0.1s.dng, 3_1s.dng, , ,\n"
        "c.dng, d.dng\n"
    )
    first, second, third = read_list(write(tmp_path / "pairs.csv", table), tmp_path)
    assert first == PairFiles(tmp_path / "a.dng", tmp_path / "b.dng", "kitchen", 80.0)
    assert (second.scene, second.ratio) == ("3", pytest.approx(10))
    assert (third.scene, third.ratio) == ("c", None)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("dark,bright\na,b\n", 1, "header"),
        ("", 1, "header"),
        ("short,long,colour\na,b,c\n", 1, "header"),
        ("short,long\na,b\na,\n", 3, "empty"),
        ("short,long\na,b,c\n", 2, "more values"),
        ("short,long,ratio\na,b,many\n", 2, "'many' is not a number"),
        ("short,long,ratio\na,b,nan\n", 2, "'nan' is not a number"),
        ("short,long,ratio\na,b,0.5\n", 2, "below 1"),
    ],
)
def test_malformed_tables_are_named(tmp_path: Path, text: str, line: int, words: str) -> None:
    path = write(tmp_path / "pairs.csv", text)
    with pytest.raises(UsageProblem, match=rf"pairs\.csv, line {line}: .*{words}"):
        read_list(path, tmp_path)


def test_files_that_are_no_lists_are_named(tmp_path: Path) -> None:
    (tmp_path / "photo.txt").write_bytes(b"\xff\xd8\xff\xe0")
    for name, words in (("photo.txt", "not a text file"), ("none.txt", "cannot be read")):
        with pytest.raises(UsageProblem, match=words):
            read_list(tmp_path / name, tmp_path)


@pytest.mark.parametrize(
    ("name", "scene"),
    [
        ("00001_00_0.04s.ARW", "00001"),
        ("kitchen2_dark.dng", "kitchen2"),
        ("IMG_0001.CR2", "IMG_0001"),
        ("street.dng", "street"),
    ],
)
def test_names_say_their_scene(name: str, scene: str) -> None:
    assert scene_of(Path(name)) == scene


def test_folders_match_by_scene(tmp_path: Path) -> None:
    touch(
        tmp_path,
        *("short/00001_00_0.1s.ARW", "short/00001_01_0.04s.ARW", "short/00002_00_0.1s.ARW"),
        *("long/00001_00_10s.ARW", "long/00002_00_10s.ARW", "long/00002_00_30s.ARW"),
        *("short/notes.txt", "long/00003_00_10s.ARW"),
    )
    found = [(p.short.name, p.long.name, p.scene, p.ratio) for p in match_folder(tmp_path)]
    assert found == [
        ("00001_00_0.1s.ARW", "00001_00_10s.ARW", "00001", 100),
        ("00001_01_0.04s.ARW", "00001_00_10s.ARW", "00001", 250),
        ("00002_00_0.1s.ARW", "00002_00_30s.ARW", "00002", 300),
    ]


def test_folders_match_by_equal_names_first(tmp_path: Path) -> None:
    names = [f"{side}/{name}" for side in ("short", "long") for name in ("7_a.dng", "7_b.dng")]
    touch(tmp_path, *names)
    found = [(p.short.name, p.long.name, p.scene) for p in match_folder(tmp_path)]
    assert found == [("7_a.dng", "7_a.dng", "7"), ("7_b.dng", "7_b.dng", "7")]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("short/1_a.dng", "long/2_a.dng"), "no long exposure of scene '1'"),
        (("short/1_a.dng", "long/1_b.dng", "long/1_c.dng"), "2 long exposures"),
        (("short/1_10s.dng", "long/1_1s.dng"), "got more light"),
        (("short/1_a.dng",), "no such folder"),
    ],
)
def test_folders_that_do_not_match_are_named(
    tmp_path: Path, names: tuple[str, ...], words: str
) -> None:
    touch(tmp_path, *names)
    with pytest.raises(UsageProblem, match=words):
        match_folder(tmp_path)


def test_excluded_scenes_and_repeated_pairs_are_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "list.txt", SID + SID + SID.replace("00001", "10034"))
    exclude = write(tmp_path / "exclude.txt", "# misaligned\n10034  # by a few pixels\n\n")
    (pair,) = find_pairs(PairsSection(lists=(path, path), exclude=exclude))
    assert pair.scene == "00001"
    assert pair.short.parent.parent.parent == tmp_path


def test_the_root_replaces_the_folder_of_the_list(tmp_path: Path) -> None:
    path = write(tmp_path / "list.txt", SID)
    (pair,) = find_pairs(PairsSection(lists=(path,), root=tmp_path / "data"))
    assert pair.short == tmp_path / "data/Sony/short/00001_00_0.04s.ARW"


def test_nothing_left_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "list.txt", "# empty\n")
    with pytest.raises(UsageProblem, match="no pairs found"):
        find_pairs(PairsSection(lists=(path,)))
