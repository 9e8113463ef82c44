"""Names of "Learning to See in the Dark" (Chen et al. 2018): what they say, which set they are in.

10003_00_0.04s.ARW is scene 10003, short exposure 00, 0.04 s. Scenes that begin with 0 are for
training, those with 2 for validation, those with 1 for the test.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

NAME = re.compile(r"(\d{5})_(\d{2})(?=_|$)")
# A few pixels apart, as the authors say of their test set.
MISALIGNED = frozenset({"10034", "10045", "10172"})
SPLITS = {"0": "training", "1": "test", "2": "validation"}


@dataclass(frozen=True)
class SidName:
    """A scene and the number of its exposure, both as digits."""

    scene: str
    exposure: str

    @property
    def split(self) -> str:
        """The part of the data it belongs to, "" for none."""
        return SPLITS.get(self.scene[0], "")


def sid_name(stem: str) -> SidName | None:
    """Read the stem of a file, None if it is not named so; folders before it do not count.

    >>> sid_name("Sony/10003_00_0.04s")
    SidName(scene='10003', exposure='00')
    """
    match = NAME.match(stem.rpartition("/")[2])
    return SidName(match[1], match[2]) if match else None


# Of the protocols that do not take every pair, whether they take one of the test set.
TAKES: dict[str, Callable[[SidName], bool]] = {
    "sid-598": lambda name: True,
    "sid-00-93": lambda name: name.exposure == "00",
    "sid-562": lambda name: name.scene not in MISALIGNED,
}


def is_taken(protocol: str, stem: str) -> bool:
    """Whether the short exposure or picture of this name belongs to a protocol.

    >>> is_taken("sid-562", "10034_00_0.1s"), is_taken("plain", "night")
    (False, True)
    """
    if protocol not in TAKES:
        return True
    name = sid_name(stem)
    return name is not None and name.split == "test" and TAKES[protocol](name)
