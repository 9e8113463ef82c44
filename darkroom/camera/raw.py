"""What a RAW file says, as values: counts, levels, colours, exposure, noise."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

# One metadata entry to carry over: directory ("image", "exif" or "gps"), tag, TIFF type, values.
ExifEntry = tuple[str, int, int, object]

MONO = "MONO"  # in place of a phase: no letter of it is a Bayer filter, so nobody finds red in it


@dataclass(frozen=True)
class Exposure:
    """How a frame was exposed; None where the file does not say (or says 0)."""

    seconds: float | None = None
    iso: float | None = None
    aperture: float | None = None

    @property
    def light(self) -> float | None:
        """Relative signal: seconds x ISO (/ aperture squared when known), None if unknown."""
        if self.seconds is None or self.iso is None:
            return None
        return self.seconds * self.iso / (self.aperture**2 if self.aperture else 1.0)


@dataclass(frozen=True)
class NoiseLevel:
    """Variance of the noise as a line over the signal: variance = shot * signal + read.

    The four values belong to the planes R, G, B, G2. Signal and variance are normalised:
    black is 0 and white is 1 (Foi et al. 2008, "Practical Poissonian-Gaussian noise modeling").
    """

    shot: tuple[float, float, float, float]
    read: tuple[float, float, float, float]

    def amplified(self, gains: tuple[float, float, float, float]) -> "NoiseLevel":
        """Return the noise of planes that were multiplied by `gains`.

        >>> NoiseLevel((1.0,) * 4, (1.0,) * 4).amplified((2.0,) * 4)
        NoiseLevel(shot=(2.0, 2.0, 2.0, 2.0), read=(4.0, 4.0, 4.0, 4.0))
        """
        r, g, b, g2 = gains
        s, n = self.shot, self.read
        return NoiseLevel(
            (s[0] * r, s[1] * g, s[2] * b, s[3] * g2),
            (n[0] * r * r, n[1] * g * g, n[2] * b * b, n[3] * g2 * g2),
        )

    def scaled(self, strength: float) -> "NoiseLevel":
        """Return the level with its standard deviation multiplied by `strength`."""
        return NoiseLevel(
            tuple(value * strength**2 for value in self.shot),  # type: ignore[arg-type]
            tuple(value * strength**2 for value in self.read),  # type: ignore[arg-type]
        )


@dataclass(frozen=True)
class RawImage:
    """One frame as the camera recorded it, every oddity of its format resolved.

    It is a Bayer frame unless its reader asked for those of monochrome sensors too.

    Attributes:
        mosaic: (H, W) uint16 counts of the visible area, in sensor orientation.
        phase: colours of the first 2x2 cell, row by row: RGGB, GRBG, GBRG or BGGR; or `MONO`.
        black: black level in counts of the four positions of that cell, row by row.
        white: count at which the sensor saturates; above every black level.
        white_balance: as-shot gains of R, G, B with green at 1; 1 for a monochrome sensor.
        xyz_to_camera: (3, 3) matrix from CIE XYZ (D65) to camera RGB; identity for that sensor.
        orientation: TIFF orientation 1..8 that would turn the picture upright.
        exposure: shutter, ISO and aperture.
        noise_profile: the file's own noise level (DNG NoiseProfile), None without one.
        make: camera maker, "" if unknown; likewise `model` and `lens`.
        exif: entries to carry into the output file.
        warnings: what was missing or odd, and what was assumed instead.
        doubts: what looks damaged; such a frame is read only on request.
    """

    mosaic: npt.NDArray[np.uint16] = field(repr=False)
    phase: str
    black: tuple[float, float, float, float]
    white: float
    white_balance: tuple[float, float, float]
    xyz_to_camera: npt.NDArray[np.float64] = field(repr=False)
    orientation: int = 1
    exposure: Exposure = Exposure()
    noise_profile: NoiseLevel | None = None
    make: str = ""
    model: str = ""
    lens: str = ""
    exif: tuple[ExifEntry, ...] = field(default=(), repr=False)
    warnings: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def camera(self) -> str:
        """Maker and model as one name, "unknown camera" without either."""
        if self.model.startswith(self.make):
            return self.model or "unknown camera"
        return f"{self.make} {self.model}".strip()
