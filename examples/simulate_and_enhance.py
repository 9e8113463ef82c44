"""Draw a picture, take it in the dark, enhance the dark frame, and say how near the truth it is.

    python examples/simulate_and_enhance.py

Leaves truth.png, dark.dng and enhanced.png in the folder "simulated".
"""

from pathlib import Path

import numpy as np

from darkroom.batch.plan import single_job
from darkroom.camera.exposure import parse_ratio
from darkroom.enhance import Settings, enhancing
from darkroom.measure.psnr import psnr
from darkroom.picture.load import load_picture
from darkroom.picture.metadata import PictureMetadata
from darkroom.picture.png import write_png
from darkroom.simulate import SimulateSettings, simulate_file

RATIO = 100
FOLDER = Path("simulated")


def drawing(rows: int = 256, columns: int = 384) -> np.ndarray:
    """Return soft coloured discs before a gradient, (H, W, 3) uint16, sRGB."""
    y, x = np.mgrid[:rows, :columns] / rows
    picture = np.stack([0.25 + 0.2 * x, 0.3 + 0.1 * y, 0.45 - 0.2 * y], -1)
    rng = np.random.default_rng(0)
    for _ in range(12):
        distance = np.hypot(y - rng.uniform(0, 1), x - rng.uniform(0, columns / rows))
        cover = 1 / (1 + np.exp((distance - rng.uniform(0.05, 0.2)) * 150))
        picture += cover[..., None] * (rng.uniform(0.1, 0.8, 3) - picture)
    return np.rint(picture * 65535).astype(np.uint16)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    truth, dark, enhanced = (FOLDER / name for name in ("truth.png", "dark.dng", "enhanced.png"))
    with truth.open("wb") as file:
        write_png(file, drawing(), PictureMetadata())
    simulate_file(truth, dark, SimulateSettings(iso=800, ratio=RATIO, overwrite=True))

    settings = Settings(ratio=parse_ratio(f"{RATIO}"), tone="srgb", format="png", overwrite=True)
    with enhancing(settings) as enhance:
        report = enhance(single_job(dark, enhanced))

    print(f"{report.camera}, noise {report.noise_source}, {report.model} on {report.device}")
    print(f"PSNR {psnr(load_picture(truth), load_picture(enhanced)):.1f} dB")


if __name__ == "__main__":
    main()
