import os

import pytest

from darkroom.camera.quiet import STDERR, quiet_decoder


def test_lines_of_libraw_vanish_and_others_come_out(capfd):
    with quiet_decoder():
        os.write(STDERR, b"photo.ARW: Unexpected end of file\n")
        os.write(STDERR, b"photo.ARW: data corrupted at 1378\n")
        os.write(STDERR, b"somebody else speaks\n")
    assert capfd.readouterr().err == "somebody else speaks\n"


def test_nested_use_restores_the_terminal_once(capfd):
    with quiet_decoder():
        with quiet_decoder():
            os.write(STDERR, b"inside\n")
        assert capfd.readouterr().err == ""
    os.write(STDERR, b"after\n")
    assert capfd.readouterr().err == "inside\nafter\n"


def test_the_terminal_is_restored_after_an_error(capfd):
    with pytest.raises(ValueError, match="broken"), quiet_decoder():
        raise ValueError("broken")
    os.write(STDERR, b"still here\n")
    assert capfd.readouterr().err == "still here\n"


def test_no_file_descriptor_is_left_open():
    def free() -> int:
        descriptor = os.dup(STDERR)
        os.close(descriptor)
        return descriptor

    before = free()
    with quiet_decoder():
        pass
    assert free() == before
