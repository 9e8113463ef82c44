"""Training pairs of near-infrared and colour: a random view of a scene, and what is varied in it.

A camera's exposure and curve change how bright near-infrared comes out and leave the colours of the
scene as they are; so brightness and contrast of the input vary, the truth stays. A photograph
has no near-infrared: it gets a random mixture of its colours in linear light, with foliage, whose
green exceeds its red and blue, as bright as near-infrared shows it (the Wood effect). That is
physics enough to learn from what sky, skin and leaves look like, before the pairs teach the rest.
"""

import numpy as np
import numpy.typing as npt

from darkroom.learning.config import NirSection
from darkroom.learning.nir_scenes import NirScene, NirScenes
from darkroom.learning.scenes import SRGB_LINEAR
from darkroom.learning.simulated_pairs import Pair, log_uniform
from darkroom.picture.tone import srgb_decode, srgb_encode
from darkroom.picture.view import looked_at, view_of_square

FloatArray = npt.NDArray[np.float32]

TILT = np.radians(5)  # deviation of the rotation
STRETCH = 0.08  # deviation of the logarithm of the ratio of the sides
GRAIN = 0.01  # deviation of the noise
NO_NOISE = np.zeros(8, np.float32)
NO_GAINS = np.ones(4, np.float32)
FOLIAGE = 4.0  # most that an excess of green adds


def draw_nir_pair(
    scenes: NirScenes, section: NirSection, *, size: int, side: int, rng: np.random.Generator
) -> Pair:
    """Draw a scene, by category, and make a pair of a random view of it.

    Args:
        scenes: what is drawn from.
        section: what varies, and how much.
        size: edge of the patch in pixels.
        side: longest side of a picture as the network sees it; 0: as it is.
        rng: decides everything.
    """
    if scenes.photos and (not scenes.categories or rng.random() < section.photo_share):
        scene = scenes.photos[int(rng.integers(len(scenes.photos)))]
    else:
        category = scenes.categories[int(rng.integers(len(scenes.categories)))]
        scene = category[int(rng.integers(len(category)))]
    nir = random_nir(scene.srgb, rng) if scene.nir is None else scene.nir
    view = random_view(scene.srgb.shape[:2], section, size=size, side=side, rng=rng)
    seen_nir, seen_srgb = (looked_at(pixels, view, size) for pixels in (nir, scene.srgb))
    return pair_of(varied(seen_nir, section, rng), seen_srgb, reverse=section.reverse)


def random_view(
    shape: tuple[int, int], section: NirSection, *, size: int, side: int, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Draw how a square of `size` pixels looks at a scene: place, scale, tilt, stretch, flip."""
    scale = log_uniform(*section.zoom, rng) * scale_in_use(shape, side)
    scale = max(scale, 0.8 * size / min(shape))  # of a small scene mirrors show at the border
    reach = size / 2 / scale
    place = [rng.uniform(min(reach, edge / 2), max(edge - reach, edge / 2)) for edge in shape[::-1]]
    return view_of_square(
        size,
        centre=(place[0], place[1]),
        scale=scale,
        tilt=rng.normal(0, TILT),
        stretch=float(np.exp(rng.normal(0, STRETCH))),
        mirrored=bool(rng.random() < 0.5),
    )


def scale_in_use(shape: tuple[int, ...], side: int) -> float:
    """Return by how much a picture is shrunk for a network that sees `side` pixels; 0: any."""
    return min(side / max(shape), 1.0) if side else 1.0


def varied(nir: FloatArray, section: NirSection, rng: np.random.Generator) -> FloatArray:
    """Return near-infrared light as another exposure and another curve would have coded it."""
    curve, gain = np.exp(rng.normal(0, (2 * section.jitter, section.jitter)))
    coded = np.maximum(nir, 0) ** np.float32(curve) * np.float32(gain)
    grain = rng.standard_normal(nir.shape, np.float32) * np.float32(GRAIN)
    return np.clip(coded + grain, 0, 1)


def random_nir(srgb: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Make near-infrared up for a photograph (H, W, 3)."""
    linear = SRGB_LINEAR[srgb]
    shares = rng.dirichlet((1, 1, 1)) * 1.5 - 1 / 6  # that add up to 1 and may be negative
    red, green, blue = np.moveaxis(linear, -1, 0)
    leaves = np.maximum(green - np.maximum(red, blue), 0) * np.float32(rng.uniform(0, FOLIAGE))
    sky = np.maximum(blue - red, 0) * np.float32(rng.uniform(0, 1))
    light = linear @ shares.astype(np.float32) + leaves - sky
    return np.rint(srgb_encode(np.clip(light, 0, 1)) * 255).astype(np.uint8)


def pair_of(nir: FloatArray, srgb: FloatArray, *, reverse: bool) -> Pair:
    """Return planes as coded and the truth in linear light, whose matrix changes nothing.

    Args:
        nir: (H, W), 0..1.
        srgb: (H, W, 3), 0..1.
        reverse: whether near-infrared is to be learned from colour.
    """
    grey, colour = nir[None], np.moveaxis(srgb, -1, 0)
    planes, truth = (colour, grey) if reverse else (grey, colour)
    return Pair(
        planes=np.ascontiguousarray(planes, np.float32),
        noise=NO_NOISE,
        truth=np.ascontiguousarray(srgb_decode(truth), np.float32),
        camera_to_srgb=np.eye(len(truth), dtype=np.float32),
        gains=NO_GAINS,
    )


def nir_validation_pairs(
    scenes: tuple[NirScene, ...], section: NirSection, *, size: int, side: int
) -> dict[str, list[Pair]]:
    """Cut the middle of each scene that is held back, as the network sees it in use."""
    pairs = []
    for scene in scenes:
        rows, columns = scene.srgb.shape[:2]
        scale = max(scale_in_use((rows, columns), side), size / min(rows, columns))
        view = view_of_square(size, centre=(columns / 2, rows / 2), scale=scale)
        assert scene.nir is not None  # photographs validate nothing
        nir, srgb = (looked_at(pixels, view, size) for pixels in (scene.nir, scene.srgb))
        pairs.append(pair_of(nir, srgb, reverse=section.reverse))
    return {"near-infrared": pairs}
