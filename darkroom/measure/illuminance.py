"""The correction of brightness that papers on noise in RAW frames apply before they score."""

import numpy as np
import numpy.typing as npt

Planes = npt.NDArray[np.float32]


def illuminance_corrected(truth: Planes, result: Planes) -> Planes:
    """Return a result as bright as its truth, where the lamps or the shutter were not the same.

    Wei et al. 2020, "A physics-based noise formation model for extreme low-light raw denoising",
    as its program evaluates: one factor for the frame, that of least squares between result r and
    truth t, <r, t> / <r, r>, over all values at which the truth is not white. The result is cut to
    0..1 before; it is not cut again here.

    Args:
        truth: any shape, white 1.
        result: likewise.

    Raises:
        ValueError: shapes differ.

    >>> illuminance_corrected(np.float32([0.2, 0.4, 1]), np.float32([0.1, 0.2, 0.9])).tolist()
    [0.20000000298023224, 0.4000000059604645, 1.7999999523162842]
    """
    if truth.shape != result.shape:
        raise ValueError(f"frames differ in shape: {truth.shape} and {result.shape}")
    cut = np.clip(result, 0, 1)
    counted = truth != 1
    r, t = cut[counted].astype(np.float64), truth[counted].astype(np.float64)
    energy = float(r @ r)
    return cut * np.float32(r @ t / energy) if energy else cut
