"""Every error darkroom raises on purpose, each with the exit code it ends the program with.

DarkroomError
├── UsageProblem          2   the command line asks for something impossible
├── NothingMatched        3   no input file matched
├── EnvironmentProblem    4   weights, device or library missing or unusable
├── StoppedEarly          5   the batch had to stop: disk full, a training that diverges
└── FileProblem           1   one file failed; the others go on
"""

from enum import StrEnum


class FailureCode(StrEnum):
    """Why one file failed: a stable name for records and scripts."""

    EMPTY = "E_EMPTY"
    NOT_REGULAR = "E_NOT_REGULAR"
    NOT_RAW = "E_NOT_RAW"
    TRUNCATED = "E_TRUNCATED"
    CORRUPT = "E_CORRUPT"
    UNSUPPORTED = "E_UNSUPPORTED"
    NOT_BAYER = "E_NOT_BAYER"
    TOO_BIG = "E_TOO_BIG"
    METADATA = "E_METADATA"
    NONFINITE = "E_NONFINITE"
    BLACK = "E_BLACK"
    CHANGED = "E_CHANGED"
    DECODE_CRASH = "E_DECODE_CRASH"
    DECODE_TIMEOUT = "E_DECODE_TIMEOUT"
    OOM_HOST = "E_OOM_HOST"
    OOM_DEVICE = "E_OOM_DEVICE"
    WRITE_SPACE = "E_WRITE_SPACE"
    WRITE_DENIED = "E_WRITE_DENIED"
    COLLISION = "E_COLLISION"
    CANCELLED = "E_CANCELLED"
    INTERNAL = "E_INTERNAL"


class DarkroomError(Exception):
    """Base of every error a user can cause; its text is one sentence in the user's words."""

    exit_code = 1


class UsageProblem(DarkroomError):
    """The command line asks for something impossible."""

    exit_code = 2


class NothingMatched(DarkroomError):
    """No input file matched."""

    exit_code = 3


class EnvironmentProblem(DarkroomError):
    """Weights, device or a library are missing or unusable."""

    exit_code = 4


class StoppedEarly(DarkroomError):
    """The batch had to stop before its end."""

    exit_code = 5


class FileProblem(DarkroomError):
    """One file cannot be processed; the batch goes on with the others.

    Args:
        code: stable name of the failure.
        what: what is wrong, with numbers.
        advice: what the user can do next.
    """

    def __init__(self, code: FailureCode, what: str, advice: str = "") -> None:
        super().__init__(f"{code}: {what}" + (f"; {advice}" if advice else ""))
        self.code = code
        self.what = what
        self.advice = advice
        self.stage = ""  # what was being done; whoever times the stages fills it in
