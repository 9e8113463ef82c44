"""LibRaw's version, and the one below which no file is given to it.

LibRaw reads files from strangers, in C++. 0.22.1 (April 2026) closed seven memory-safety holes,
CVE-2026-21413 in its lossless JPEG decoder among them; 0.22.2 (July 2026) closed about 25 more.
"""

import rawpy

from darkroom.errors import EnvironmentProblem

Version = tuple[int, ...]

OLDEST: Version = (0, 22, 1)
SAFE: Version = (0, 22, 2)
ADVICE = "update it with: pip install --upgrade rawpy"


def libraw_version() -> Version:
    """Return the version of the LibRaw that rawpy brings."""
    return tuple(rawpy.libraw_version)


def dotted(version: Version) -> str:
    """Return a version as people write it.

    >>> dotted((0, 22, 2))
    '0.22.2'
    """
    return ".".join(map(str, version))


def refuse_old_libraw() -> None:
    """Stop before a file is decoded if LibRaw has holes that strangers' files could use.

    Raises:
        EnvironmentProblem: LibRaw is older than `OLDEST`.
    """
    version = libraw_version()
    if version < OLDEST:
        raise EnvironmentProblem(
            f"LibRaw {dotted(version)} is not safe with files from others: "
            f"{dotted(OLDEST)} is needed, {dotted(SAFE)} is better; {ADVICE}"
        )


def libraw_warning() -> str | None:
    """Return what to tell the user of a LibRaw that is used but lacks known repairs."""
    version = libraw_version()
    if version >= SAFE:
        return None
    return f"LibRaw {dotted(version)} lacks the security repairs of {dotted(SAFE)}; {ADVICE}"
