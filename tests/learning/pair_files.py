"""A small folder like that of "Learning to See in the Dark", written as DNG files."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from darkroom.camera.bayer import red_offset
from darkroom.picture.dng import write_bayer_dng
from darkroom.publish import publish
from tests.raw_files import MATRIX

BLACK, WHITE = (500, 510, 520, 530), 16383
BALANCE = (2.0, 1.0, 1.5)


def colours(shape: tuple[int, int], seed: int = 0, top: float = 0.4) -> npt.NDArray[np.float32]:
    """Return smooth white-balanced linear colours, (3, H, W) between 0.05 and `top`."""
    coarse = np.random.default_rng(seed).uniform(0.05, top, (3, 5, 6)).astype(np.float32)
    fine = [cv2.resize(plane, shape[::-1], interpolation=cv2.INTER_LINEAR) for plane in coarse]
    return np.stack(fine)


def mosaic_of(linear: npt.NDArray[np.float32], phase: str) -> npt.NDArray[np.float32]:
    """Return what each pixel of a sensor sees, before white balance, black at 0, white at 1."""
    top, left = red_offset(phase)
    mosaic = linear[1].copy()
    mosaic[top::2, left::2] = linear[0, top::2, left::2] / BALANCE[0]
    mosaic[1 - top :: 2, 1 - left :: 2] = linear[2, 1 - top :: 2, 1 - left :: 2] / BALANCE[2]
    return mosaic


def write_frame(
    path: Path,
    linear: npt.NDArray[np.float32],
    *,
    ratio: float = 1,
    phase: str = "RGGB",
    seed: int = 0,
    shot: float = 2e-4,
    read: float = 1.5e-4,
    **facts: float,
) -> Path:
    """Write a scene, `ratio` times darker, with the noise variance shot * signal + read**2."""
    signal = mosaic_of(linear, phase) / ratio
    rng = np.random.default_rng(seed)
    signal = signal + rng.normal(0, 1, signal.shape) * np.sqrt(shot * signal + read**2)
    counts = np.empty(signal.shape, np.float64)
    for position, black in enumerate(BLACK):
        cell = np.s_[position // 2 :: 2, position % 2 :: 2]
        counts[cell] = black + signal[cell] * (WHITE - black)
    mosaic = np.clip(np.rint(counts), 0, WHITE).astype(np.uint16)
    path.parent.mkdir(parents=True, exist_ok=True)
    publish(
        path,
        lambda file: write_bayer_dng(
            file,
            mosaic,
            phase=phase,
            black=BLACK,
            white=WHITE,
            xyz_to_camera=MATRIX,
            white_balance=BALANCE,
            make="Testmaker",
            model="Testmaker One",
            **facts,  # type: ignore[arg-type]
        ),
        overwrite=True,
    )
    return path


def write_scenes(folder: Path, names: tuple[str, ...], shape: tuple[int, int] = (48, 64)) -> Path:
    """Write two short and one long exposure of each scene and a list of them; return the list."""
    lines = []
    for seed, name in enumerate(names):
        linear = colours(shape, seed)
        write_frame(folder / f"Sony/long/{name}_00_10s.dng", linear, seed=seed)
        for number, seconds in enumerate(("0.1", "0.04")):
            short = f"Sony/short/{name}_{number:02}_{seconds}s.dng"
            write_frame(folder / short, linear, ratio=10 / float(seconds), seed=99 * seed + number)
            lines.append(f"./{short} ./Sony/long/{name}_00_10s.dng ISO200 F8")
    path = folder / "list.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
