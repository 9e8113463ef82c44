"""What is still to be done to the picture that a model makes, as its card says."""

from darkroom.camera.raw import RawImage
from darkroom.picture.render import Rendering, camera_to_srgb
from darkroom.zoo.card import Card


def rendering_for(card: Card, raw: RawImage, ratio: float, tone: str) -> Rendering | None:
    """Return how a model's picture of a frame is rendered; None where it is sRGB already.

    Args:
        card: of the model.
        raw: the frame.
        ratio: amplification: with the white balance, it says where the sensor was full.
        tone: name in `picture.tone.TONES`.

    Raises:
        FileProblem: E_METADATA if the frame's colour matrix describes no camera.
    """
    if card.output_space == "srgb":
        return None
    red, green, blue = (ratio * gain for gain in raw.white_balance)
    return Rendering(camera_to_srgb(raw.xyz_to_camera), tone, (red, green, blue))
