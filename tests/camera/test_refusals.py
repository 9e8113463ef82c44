import errno

import pytest
import rawpy

from darkroom.camera.directories import Directory, Tiff
from darkroom.camera.refusals import decoder_errors
from darkroom.errors import FileProblem


def tiff(**numbers: tuple[float, ...]) -> Tiff:
    return Tiff(42, (Directory({int(tag[1:]): value for tag, value in numbers.items()}, {}),))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (rawpy.LibRawIOError(), "E_TRUNCATED"),
        (rawpy.LibRawDataError(), "E_CORRUPT"),
        (rawpy.LibRawTooBigError(), "E_TOO_BIG"),
        (rawpy.LibRawUnsufficientMemoryError(), "E_OOM_HOST"),
        (rawpy.LibRawMemPoolOverflowError(), "E_OOM_HOST"),
        (MemoryError(), "E_OOM_HOST"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "E_OOM_HOST"),
        (RuntimeError("a mosaic of an unknown kind"), "E_CORRUPT"),
    ],
)
def test_errors_of_the_decoder_get_a_code(error, code):
    with pytest.raises(FileProblem) as caught, decoder_errors(None):
        raise error
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (None, "E_NOT_RAW"),
        (tiff(), "E_NOT_RAW"),
        (tiff(t50706=(1, 4, 0, 0)), "E_UNSUPPORTED"),
        (tiff(t259=(9,)), "E_UNSUPPORTED"),
        (tiff(t33422=(0, 1, 1, 2)), "E_UNSUPPORTED"),
    ],
)
def test_what_the_decoder_does_not_know_is_no_raw_file_or_an_unknown_one(found, code):
    with pytest.raises(FileProblem) as caught, decoder_errors(found):
        raise rawpy.LibRawFileUnsupportedError
    assert caught.value.code == code


def test_other_errors_pass():
    with pytest.raises(FileNotFoundError), decoder_errors(None):
        raise FileNotFoundError
    with pytest.raises(FileProblem, match="E_BLACK"), decoder_errors(None):
        raise FileProblem("E_BLACK", "black")
