from dataclasses import replace
from pathlib import Path

from darkroom.batch.enhance_settings import Settings
from darkroom.camera.exposure import parse_ratio
from darkroom.inference.engine import EngineChoice

PLAIN = Settings(parse_ratio("auto"))


def test_what_decides_the_look_is_in_the_digest() -> None:
    for changes in (
        {"strength": 0.5},
        {"views": 2},
        {"tone": "srgb"},
        {"format": "png"},
        {"compression": "zstd"},
        {"ratio": parse_ratio("50")},
        {"choice": EngineChoice(precision="int8")},
    ):
        assert replace(PLAIN, **changes).params() != PLAIN.params()


def test_what_only_decides_the_way_is_not() -> None:
    for changes in (
        {"choice": EngineChoice("cpu", "torch")},
        {"tile": 64},
        {"max_memory": 1 << 30},
        {"overwrite": True},
    ):
        assert replace(PLAIN, **changes).params() == PLAIN.params()


def test_the_bytes_of_a_reference_count(tmp_path: Path) -> None:
    reference = tmp_path / "bright.dng"
    reference.write_bytes(b"one")
    settings = replace(PLAIN, ratio=parse_ratio(f"match:{reference}"))
    before = settings.params()
    reference.write_bytes(b"two")
    assert settings.params() != before
