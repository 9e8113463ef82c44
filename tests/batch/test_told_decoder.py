from pathlib import Path

import cv2
import numpy as np
import pytest

from darkroom.batch.plan import single_job
from darkroom.batch.told_decoder import ToldDecoder
from darkroom.camera.exposure import parse_ratio
from darkroom.camera.noise import noise_level
from darkroom.camera.raw import NoiseLevel
from darkroom.enhance import Settings, enhance_file, load_enhancer
from darkroom.inference.engine import EngineChoice
from darkroom.simulate import SimulateSettings, simulate_file

LEVEL = NoiseLevel((1e-3,) * 4, (2e-5,) * 4)


@pytest.mark.slow
def test_the_told_noise_reaches_the_network(tmp_path: Path, small_model: str) -> None:
    source, dark = tmp_path / "a.png", tmp_path / "a.dng"
    picture = np.random.default_rng(0).integers(40, 220, (4, 4, 3), np.uint8)
    cv2.imwrite(str(source), cv2.resize(picture, (64, 64)))
    simulate_file(source, dark, SimulateSettings(ratio=20))
    with ToldDecoder(LEVEL) as decoder:
        assert noise_level(decoder.read(dark).raw)[0] == LEVEL
        settings = Settings(parse_ratio("20"), small_model, EngineChoice("cpu"), tone="srgb")
        report = enhance_file(
            single_job(dark, tmp_path / "a.tif"), load_enhancer(settings, decoder)
        )
    assert report.noise_source == "noise profile in the file"
