"""Clean pictures to darken: photographs and well-exposed RAW frames, held in memory."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt

from darkroom.camera.bayer import binned
from darkroom.camera.raw import RawImage
from darkroom.camera.read import is_raw_name, read_raw
from darkroom.errors import FileProblem, UsageProblem
from darkroom.picture.load import load_picture
from darkroom.picture.render import camera_to_srgb
from darkroom.picture.tone import srgb_decode

FloatArray = npt.NDArray[np.float32]

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff"})
HALVE_FROM = 640  # a short side from here on is also used at half size: cleaner, sharper pixels
SRGB_LINEAR = srgb_decode(np.arange(256, dtype=np.float32) / 255).astype(np.float32)


@dataclass(frozen=True)
class Scene:
    """One clean picture.

    Attributes:
        name: the file's name.
        pixels: (H, W, 3), sRGB uint8 of a photograph, or linear white-balanced camera RGB float16.
        camera_to_srgb: the camera's matrix for a RAW frame, None for a photograph.
    """

    name: str
    pixels: npt.NDArray[np.uint8] | npt.NDArray[np.float16]
    camera_to_srgb: FloatArray | None = None


def linear_crop(scene: Scene, row: int, column: int, size: int) -> FloatArray:
    """Return a square of the scene in linear light, (size, size, 3)."""
    crop = scene.pixels[row : row + size, column : column + size]
    linear = SRGB_LINEAR[crop] if crop.dtype == np.uint8 else crop
    return np.asarray(linear, np.float32)


def halve(pixels: FloatArray) -> FloatArray:
    """Average 2x2 pixels: (H, W, 3) -> (H/2, W/2, 3)."""
    rows, columns = (size // 2 * 2 for size in pixels.shape[:2])
    cells = pixels[:rows, :columns].reshape(rows // 2, 2, columns // 2, 2, 3)
    return np.asarray(cells.mean((1, 3)), np.float32)


def photo_scenes(path: Path) -> Iterator[Scene]:
    """Load a photograph, and once more at half size where it is large."""
    srgb = load_picture(path)
    yield Scene(path.name, np.rint(srgb * 255).astype(np.uint8))
    if min(srgb.shape[:2]) >= HALVE_FROM:
        yield Scene(path.name, np.rint(halve(srgb) * 255).astype(np.uint8))


def raw_scene(path: Path) -> Scene:
    """Load a clean RAW frame as full colour at half size: each 2x2 cell becomes one pixel.

    Binning needs no demosaicing, so the truth carries no demosaicing error, and halves the noise.
    """
    raw = read_raw(path)
    linear = np.moveaxis(binned(raw), 0, -1)
    return Scene(path.name, centre(linear, raw).astype(np.float16), matrix_of(raw))


def centre(linear: FloatArray, raw: RawImage) -> FloatArray:
    """Cut a circular fisheye frame (nearly square, dark corners) to its inner square."""
    rows, columns = linear.shape[:2]
    corners = linear[: rows // 16, : columns // 16].mean()
    if corners > 0.02 * linear.mean():
        return linear
    top, left = rows * 15 // 100, columns * 16 // 100
    return linear[top : rows - top, left : columns - left]


def matrix_of(raw: RawImage) -> FloatArray:
    """Return the frame's camera-to-sRGB matrix."""
    return camera_to_srgb(raw.xyz_to_camera).astype(np.float32)


def number_of(name: str) -> int:
    """Return the number that a name stands for, which decides whether a scene is held back."""
    return int(sha256(name.encode()).hexdigest(), 16)


def files_in(paths: Iterable[Path]) -> list[Path]:
    """List the pictures and RAW files named or inside the named folders, sorted.

    Raises:
        UsageProblem: one of the paths does not exist.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise UsageProblem(f"{path}: no such picture or folder; check data.photos and data.raw")
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        found += [file for file in inside if file.is_file()]
    return [f for f in found if f.suffix.lower() in PICTURE_SUFFIXES or is_raw_name(f)]


def load_scenes(
    photos: Iterable[Path], raw: Iterable[Path], *, smallest: int
) -> tuple[list[Scene], list[str]]:
    """Load every scene at least `smallest` pixels on its short side.

    Returns:
        The scenes, and a sentence for each file that was skipped.

    Raises:
        UsageProblem: nothing could be loaded.
    """
    scenes: list[Scene] = []
    skipped: list[str] = []
    for path in files_in(photos) + files_in(raw):
        try:
            loaded = [raw_scene(path)] if is_raw_name(path) else list(photo_scenes(path))
        except FileProblem as problem:
            skipped.append(f"{path.name}: {problem.what}")
            continue
        scenes += [scene for scene in loaded if min(scene.pixels.shape[:2]) >= smallest]
    if not scenes:
        raise UsageProblem(
            f"no clean picture of at least {smallest} pixels found; check data.photos and data.raw"
        )
    return scenes, skipped
