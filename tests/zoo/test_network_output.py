from dataclasses import replace

import numpy as np
import pytest

from darkroom.camera.raw import RawImage
from darkroom.errors import FileProblem
from darkroom.picture.render import camera_to_srgb
from darkroom.zoo.card import Card
from darkroom.zoo.network_output import rendering_for

XYZ_TO_CAMERA = np.array([[0.66, -0.19, -0.05], [-0.46, 1.23, 0.26], [-0.06, 0.14, 0.65]])
COUNTS = np.full((4, 4), 600, np.uint16)
FRAME = RawImage(COUNTS, "RGGB", (512.0,) * 4, 16_383.0, (2.0, 1.0, 1.5), XYZ_TO_CAMERA, 1)
CARD = Card(name="one", network="unet", halo=1, multiple_of=1)


def test_a_frame_is_rendered_with_its_matrix_and_blown_where_its_sensor_was_full() -> None:
    rendering = rendering_for(CARD, FRAME, 10.0, "linear")
    assert rendering is not None
    assert np.array_equal(rendering.camera_to_srgb, camera_to_srgb(XYZ_TO_CAMERA))
    assert rendering.tone == "linear"
    assert rendering.saturation == (20.0, 10.0, 15.0)


def test_a_finished_picture_is_not_rendered_again() -> None:
    assert rendering_for(replace(CARD, output_space="srgb"), FRAME, 10.0, "linear") is None


def test_a_matrix_that_describes_no_camera_is_refused() -> None:
    with pytest.raises(FileProblem, match="E_METADATA"):
        rendering_for(CARD, replace(FRAME, xyz_to_camera=np.zeros((3, 3))), 10.0, "linear")
