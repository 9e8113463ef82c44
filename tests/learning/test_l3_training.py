from pathlib import Path

import numpy as np

from darkroom.learning.config import L3Section, NirSection, TrainConfig, TrainingSection
from darkroom.learning.l3_training import learn_l3, planes_of, settings_of
from darkroom.learning.nir_scenes import wanted_pairs
from tests.learning.nir_files import write_pairs


def config(folder: Path, **nir: object) -> TrainConfig:
    return TrainConfig(
        nir=NirSection.model_validate({"folders": (folder,), "holdout": 3, **nir}),
        l3=L3Section(levels=3, contrasts=()),
        training=TrainingSection(steps=1),
    )


def test_a_map_from_brightness_to_colour_is_learned(tmp_path: Path) -> None:
    said: list[str] = []
    network, scores = learn_l3(config(write_pairs(tmp_path)), said.append)
    assert scores["mean"] > 40  # dB, on pairs that were kept back
    assert (network.config["outputs"], said) == (3, [])


def test_the_way_back_is_learned_as_well(tmp_path: Path) -> None:
    network, scores = learn_l3(config(write_pairs(tmp_path), reverse=True), print)
    assert (network.config["inputs"], network.config["outputs"]) == (3, 1)
    assert scores["mean"] > 40


def test_levels_are_even_in_logarithms() -> None:
    settings = settings_of(L3Section(levels=5, level_range=(0.01, 1)), seed=3)
    assert np.allclose(np.diff(np.log10(settings.level_cuts)), 0.5)
    assert (settings.seed, settings.contrast_cuts) == (3, L3Section().contrasts)


def test_bad_files_are_said_and_left_out(tmp_path: Path) -> None:
    folder, said = write_pairs(tmp_path), list[str]()
    (folder / "field" / "0001_nir.png").write_bytes(b"")
    section = NirSection(folders=(folder,))
    planes = list(planes_of(wanted_pairs(section), section, said.append))
    assert len(planes) == 5
    assert said == ["field/0001: the file has 0 bytes"]
