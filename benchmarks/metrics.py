"""Time every score of a picture, and compare it with scikit-image, which computes it another way.

    python benchmarks/metrics.py [-o RECORD] [--megapixels 12] [--repeats 3]

The pictures are random colours, smoothed, and the same with noise. Times are the best of the
repeats, beside the processor time of all threads together: on a busy machine, the latter says more.
Differences are taken on a part of the pictures.
"""

import argparse
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from record import write_record
from skimage import color, metrics

from darkroom.measure.colour_difference import srgb_to_lab
from darkroom.measure.metrics import MATLAB_METRICS, METRICS, RAW_METRICS
from darkroom.measure.threads import usable_cores

RECORD = Path(__file__).parent / "results" / "metrics.json"
PART = 400  # pixels a side of what is compared
WIDE, HIGH = 3, 2  # of the pictures

SCORES = {
    **{name: metric.score for name, metric in METRICS.items()},
    "ssim, as MATLAB": MATLAB_METRICS["ssim"].score,
    "ssim, uniform window": RAW_METRICS["ssim"].score,
}


def pictures(megapixels: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a truth and a result, (H, W, 3) float32 in 0..1."""
    rng = np.random.default_rng(0)
    side = (megapixels * 1e6 / WIDE / HIGH) ** 0.5
    size = round(WIDE * side), round(HIGH * side)
    coarse = rng.uniform(0, 1, (40, 60, 3)).astype(np.float32)
    truth = cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR)
    noise = rng.standard_normal(truth.shape, np.float32)
    return truth, np.clip(truth + np.float32(0.05) * noise, 0, 1)


def delta_e(difference: Callable, truth: np.ndarray, result: np.ndarray) -> float:
    """Return scikit-image's mean difference of our CIELAB colours: its white has fewer digits."""
    return float(difference(srgb_to_lab(truth), srgb_to_lab(result)).mean())


similarity = partial(metrics.structural_similarity, data_range=1.0, channel_axis=-1)
ORACLES: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "psnr": partial(metrics.peak_signal_noise_ratio, data_range=1.0),
    "ssim": partial(similarity, gaussian_weights=True, sigma=1.5, use_sample_covariance=False),
    "ssim, uniform window": similarity,
    "mse": metrics.mean_squared_error,
    "cie76": partial(delta_e, color.deltaE_cie76),
    "ciede2000": partial(delta_e, color.deltaE_ciede2000),
}


def timed(score: Callable, truth: np.ndarray, result: np.ndarray, repeats: int) -> dict:
    """Return the best seconds by the clock and of all threads."""
    wall, work = [], []
    for _ in range(repeats):
        begin, busy = time.perf_counter(), time.process_time()
        score(truth, result)
        wall.append(time.perf_counter() - begin)
        work.append(time.process_time() - busy)
    return {"seconds": round(min(wall), 2), "processor_seconds": round(min(work), 2)}


def difference(name: str, truth: np.ndarray, result: np.ndarray) -> float | None:
    """Return how far a score is from scikit-image's, None where that has no such score."""
    if name not in ORACLES:
        return None
    part = truth[:PART, :PART].astype(np.float64), result[:PART, :PART].astype(np.float64)
    return float(f"{abs(SCORES[name](*part) - ORACLES[name](*part)):.2g}")


def main() -> None:
    """Time and compare all, print the table, write the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--out", type=Path, default=RECORD)
    parser.add_argument("--megapixels", type=float, default=12)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    truth, result = pictures(options.megapixels)
    rows = {}
    for name, score in SCORES.items():
        row = timed(score, truth, result, options.repeats)
        rows[name] = row | {"from_scikit_image": difference(name, truth, result)}
        off = rows[name]["from_scikit_image"]
        print(
            f"{name:22} {row['seconds']:7.2f} s  {row['processor_seconds']:7.2f} s of processors"
            f"  {'-' if off is None else off}",
            flush=True,
        )
    facts = {"megapixels": options.megapixels, "threads": usable_cores()}
    load = round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None
    write_record(options.out, {**facts, "load": load, "scores": rows})


if __name__ == "__main__":
    main()
