from itertools import product

import pytest

from darkroom.learning.sid_names import MISALIGNED, TAKES, SidName, is_taken, sid_name
from darkroom.measure.protocols import PROTOCOLS


def names_of(scenes: tuple[str, ...]) -> list[str]:
    return [f"{s}_{n}_{t}s" for s, n, t in product(scenes, ("00", "01"), ("0.1", "0.04"))]


def taken(protocol: str, names: list[str]) -> list[str]:
    return [name for name in names if is_taken(protocol, name)]


def test_scenes_of_the_test_begin_with_1() -> None:
    splits = [sid_name(f"{first}0003_00_0.1s") for first in "0123"]
    assert [name and name.split for name in splits] == ["training", "test", "validation", ""]
    names = names_of(("00003", "10003", "20003", "30003"))
    assert taken("sid-598", names) == names_of(("10003",))


def test_the_subsets_are_of_the_first_exposure_and_of_aligned_scenes() -> None:
    scenes = ("10003", *sorted(MISALIGNED))
    names = names_of(scenes)
    assert taken("sid-598", names) == names
    assert len(taken("sid-00-93", names)) == len(names) / 2
    assert {sid_name(name).exposure for name in taken("sid-00-93", names)} == {"00"}  # type: ignore[union-attr]
    assert taken("sid-562", names) == names_of(("10003",))


@pytest.mark.parametrize("stem", ["DSC_0012", "1003_00_0.1s", "100033_00_0.1s", "10003_0", ""])
def test_other_names_belong_to_no_set_of_sid(stem: str) -> None:
    assert sid_name(stem) is None
    assert not any(is_taken(protocol, stem) for protocol in TAKES)
    assert all(is_taken(protocol, stem) for protocol in PROTOCOLS.keys() - TAKES.keys())


def test_names_of_pictures_are_read_as_well() -> None:
    for stem in ("10003_00_0.04s", "out/10003_00_100_out", "10003_00"):
        assert sid_name(stem) == SidName("10003", "00")


def test_every_set_is_a_protocol() -> None:
    assert {*TAKES} == {name for name in PROTOCOLS if name.startswith("sid")}
