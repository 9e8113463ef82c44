import shutil
import sys
from collections import namedtuple
from pathlib import Path

import pytest
import rawpy
import torch

from darkroom import doctor
from darkroom.camera.exif import exif_reader
from darkroom.doctor import Finding, diagnose, worst
from darkroom.errors import EnvironmentProblem
from darkroom.inference import memory, probe
from darkroom.inference.engine import AUTO
from darkroom.zoo.contents import read_contents
from darkroom.zoo.engines import engine_for
from darkroom.zoo.find import locate
from tests.conftest import small_weights

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder with models, which holds a small default one."""
    folder = tmp_path / "models"
    folder.mkdir()
    small_weights(folder).rename(folder / "fast-unet.safetensors")
    monkeypatch.setattr("darkroom.zoo.find.folders", lambda: iter([folder]))
    return folder


def found(check: doctor.Check, topic: str) -> list[Finding]:
    return [finding for finding in doctor.guarded(topic, check) if finding.topic == topic]


def flip_last_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def test_a_sound_machine_has_no_problem(models: Path) -> None:
    findings = diagnose()
    assert [finding for finding in findings if finding.status == "problem"] == []
    topics = {finding.topic.strip() for finding in findings}
    assert {"LibRaw", "isolation", "CPU", "CUDA", "model", "engine", "memory", "disk"} <= topics
    assert {"12 MP", "24 MP", "50 MP", "network", "folders"} <= topics


def test_every_library_is_named_with_its_version() -> None:
    (line,) = found(doctor.check_libraries, "libraries")
    assert line.facts["torch"] == torch.__version__
    assert line.facts["rawpy"] == rawpy.__version__
    assert "unknown" not in line.facts.values()


def test_a_library_that_does_not_load_is_a_problem_and_the_rest_still_comes(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exif_reader.cache_clear()
    monkeypatch.setitem(sys.modules, "exifread", None)  # importing it fails from now on
    findings = diagnose()
    (line,) = [finding for finding in findings if finding.topic == "exifread"]
    assert line.status == "problem"
    assert "pip install" in line.advice
    assert "disk" in {finding.topic for finding in findings}


@pytest.mark.parametrize(
    ("version", "status"), [((0, 21, 4), "problem"), ((0, 22, 1), "warning"), ((0, 22, 2), "ok")]
)
def test_libraw_is_judged_by_its_version(
    version: tuple[int, ...], status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rawpy, "libraw_version", version)
    (line,) = found(doctor.check_libraw, "LibRaw")
    assert line.status == status
    assert ("pip install" in line.text) == (status != "ok")


def test_a_damaged_default_model_is_a_problem(models: Path) -> None:
    flip_last_byte(models / "fast-unet.safetensors")
    (line,) = found(doctor.check_models, "model")
    assert line.status == "problem"
    assert "sha256" in line.text
    assert [finding.status for finding in found(doctor.check_engine, "engine")] == ["problem"]


def test_another_damaged_model_is_a_warning(models: Path) -> None:
    damaged = models / "night.safetensors"
    shutil.copy(models / "fast-unet.safetensors", damaged)
    flip_last_byte(damaged)
    lines = found(doctor.check_models, "model")
    assert [line.status for line in lines] == ["ok", "warning"]
    assert str(damaged) in lines[1].text


def test_no_model_at_all_is_a_problem(models: Path) -> None:
    (models / "fast-unet.safetensors").unlink()
    assert worst(list(doctor.guarded("model", doctor.check_models))) == "problem"


def test_a_file_that_no_name_can_mean_is_told(models: Path) -> None:
    shutil.copy(models / "fast-unet.safetensors", models / "Night Model.safetensors")
    assert [line.status for line in found(doctor.check_models, "model")] == ["ok", "warning"]


def test_missing_walls_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("darkroom.camera.isolation.walls", lambda: {"limits": False, "x": True})
    (line,) = found(doctor.check_isolation, "isolation")
    assert (line.status, "limits" in line.text, "x" in line.text.split()) == (
        "warning",
        True,
        False,
    )


def test_memory_grows_with_the_frame_and_tiles_make_it_less(models: Path) -> None:
    facts = [f.facts for f in doctor.guarded("engine", doctor.check_engine) if " MP" in f.topic]
    assert [fact["megapixels"] for fact in facts] == [12, 24, 50]
    assert [fact["whole"] for fact in facts] == sorted(fact["whole"] for fact in facts)
    assert all(fact["tiled"] < fact["whole"] for fact in facts)


def test_a_run_within_the_smallest_tiles_memory_is_not_refused(models: Path) -> None:
    contents = read_contents(locate("fast-unet"))
    engine, card = engine_for(contents, AUTO), contents.card
    lines = list(doctor.memory_of_runs(engine, card))
    tiled = lines[1].facts["tiled"]
    assert isinstance(tiled, int)
    # what the process holds moves a little from one look to the next
    least = memory.most_pixels(
        engine,
        tiled + (64 << 20),
        shape=(2000, 1500),
        halo=card.halo,
        beside=memory.FRAME_BYTES,
    )
    assert least >= (3 * card.halo) ** 2


@pytest.mark.parametrize(("measured", "status"), [(None, "ok"), (1.0, "ok"), (1e9, "warning")])
def test_a_network_that_needs_more_than_planned_is_told(
    measured: float | None, status: str, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "measured_bytes_per_pixel", lambda _: measured)
    (line,) = found(doctor.check_engine, "network")
    assert line.status == status
    assert ("--max-memory" in line.advice) == (status == "warning")


@pytest.mark.parametrize(("free", "status"), [(100 << 20, "warning"), (100 << 30, "ok")])
def test_a_nearly_full_disk_is_a_warning(
    free: int, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(free, 0, free))
    (line,) = found(doctor.check_disk, "disk")
    assert line.status == status


def test_little_memory_is_a_warning(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_memory", lambda _: 100 << 20)
    (line,) = found(doctor.check_engine, "memory")
    assert line.status == "warning"


def test_what_a_check_raises_is_a_finding() -> None:
    def environment() -> None:
        raise EnvironmentProblem("no such thing; get it")

    def bug() -> None:
        raise ZeroDivisionError

    known, unknown = (
        list(doctor.guarded("x", check))  # type: ignore[arg-type]
        for check in (environment, bug)
    )
    assert known == [Finding("x", "problem", "no such thing; get it")]
    assert unknown[0].status == "problem"
    assert "ZeroDivisionError" in unknown[0].text
