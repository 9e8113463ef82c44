import pytest
import rawpy

from darkroom.camera.decoder_version import (
    OLDEST,
    SAFE,
    libraw_version,
    libraw_warning,
    refuse_old_libraw,
)
from darkroom.errors import EnvironmentProblem


def test_the_installed_libraw_may_be_used() -> None:
    assert libraw_version() >= OLDEST
    refuse_old_libraw()


@pytest.mark.parametrize("version", [(0, 20, 2), (0, 21, 5), (0, 22, 0), (0, 22)])
def test_an_old_libraw_is_refused_with_what_to_do(
    version: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rawpy, "libraw_version", version)
    with pytest.raises(EnvironmentProblem, match=r"0\.22\.1 is needed.*pip install") as caught:
        refuse_old_libraw()
    assert caught.value.exit_code == 4


def test_a_libraw_between_is_used_with_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rawpy, "libraw_version", OLDEST)
    refuse_old_libraw()
    assert "0.22.2" in (libraw_warning() or "")


@pytest.mark.parametrize("version", [SAFE, (0, 22, 10), (0, 23, 0), (1, 0, 0)])
def test_a_newer_libraw_needs_no_warning(
    version: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rawpy, "libraw_version", version)
    refuse_old_libraw()
    assert libraw_warning() is None
