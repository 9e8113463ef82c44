"""What LibRaw raises, in the user's words."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import rawpy

from darkroom.camera import directories as tags
from darkroom.camera.directories import Tiff
from darkroom.camera.source import COPY_AGAIN
from darkroom.errors import FailureCode, FileProblem

# Compressions inside DNG that LibRaw's wheels cannot decode.
UNSUPPORTED_COMPRESSIONS = {9: "GoPro's VC-5 compression (GPR)", 52546: "JPEG XL compression"}


@contextmanager
def decoder_errors(tiff: Tiff | None) -> Iterator[None]:
    """Turn LibRaw's errors into the user's words."""
    try:
        yield
    except rawpy.LibRawFileUnsupportedError as error:
        raise unsupported(tiff) from error
    except rawpy.LibRawIOError as error:
        raise FileProblem(FailureCode.TRUNCATED, "image data is missing", COPY_AGAIN) from error
    except rawpy.LibRawTooBigError as error:
        raise FileProblem(FailureCode.TOO_BIG, "the frame is too big to decode") from error
    except (
        rawpy.LibRawUnsufficientMemoryError,
        rawpy.LibRawMemPoolOverflowError,
        MemoryError,
    ) as error:
        raise out_of_memory() from error
    except (rawpy.LibRawError, RuntimeError) as error:  # the latter is rawpy's own
        raise FileProblem(FailureCode.CORRUPT, "image data is damaged", COPY_AGAIN) from error
    except OSError as error:
        if error.errno == errno.ENOMEM:
            raise out_of_memory() from error
        raise


def out_of_memory() -> FileProblem:
    """Return the error for a file that needs more memory than there is."""
    return FileProblem(
        FailureCode.OOM_HOST,
        "not enough memory to decode the file",
        "close other programs; if that does not help, the file is damaged",
    )


def unsupported(tiff: Tiff | None) -> FileProblem:
    """Return the error for a file that LibRaw does not recognise."""
    if tiff is None:
        return FileProblem(FailureCode.NOT_RAW, "is not a RAW file of any known kind")
    methods = {int(entry.first(tags.COMPRESSION)) for entry in tiff.directories}
    for method in methods & UNSUPPORTED_COMPRESSIONS.keys():
        return FileProblem(
            FailureCode.UNSUPPORTED,
            f"uses {UNSUPPORTED_COMPRESSIONS[method]}, which is unsupported",
            "convert it with Adobe DNG Converter",
        )
    if tiff.is_dng or tiff.magic != 42 or tiff.numbers(tags.CFA_PATTERN):
        return FileProblem(
            FailureCode.UNSUPPORTED, "is a RAW file of an unsupported camera or kind"
        )
    return FileProblem(FailureCode.NOT_RAW, "is a TIFF picture, not a RAW file of a known camera")
