"""Records on the standard output, for scripts."""

import errno
import io
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from darkroom import __version__
from darkroom.batch.records import VERSION, record_line
from darkroom.errors import StoppedEarly

if TYPE_CHECKING:
    from darkroom.zoo.card import Card


def card_record(card: "Card") -> dict[str, object]:
    """Return the card of a model."""
    return {"v": VERSION, "darkroom": __version__, **asdict(card)}


def write_record(record: Mapping[str, object]) -> None:
    """Write one line to the standard output, at once.

    Raises:
        StoppedEarly: nobody reads it any more, or the disk behind it is full.
    """
    try:
        if sys.stdout is None:  # closed before the program began
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        sys.stdout.write(record_line(record))
        sys.stdout.flush()
    except OSError as error:
        sys.stdout = io.StringIO()  # the rest of the buffer must not fail again at the end
        raise StoppedEarly(f"stopped: records cannot be written: {error.strerror}") from None
