"""What people and scripts read of `darkroom calibrate`."""

from typing import TYPE_CHECKING

from darkroom import __version__
from darkroom.batch.records import VERSION
from darkroom.camera.calibration import to_record
from darkroom.report.models import write_columns

if TYPE_CHECKING:
    from darkroom.camera.calibration import Calibration, CalibrationRow

HEAD = ("ISO", "gain", "sigma", "scale", "lambda", "row", "black", "shading", "hot", "frames")


def write_calibration(calibration: "Calibration") -> None:
    """Write a line an ISO to the standard output, in counts but for shape, shading and shares."""
    write_columns([HEAD, *(cells(row) for row in calibration.rows)])


def cells(row: "CalibrationRow") -> tuple[str, ...]:
    """Return one line of the table; a gain that was not measured is a question mark."""
    return (
        f"{row.iso:g}",
        "?" if row.gain is None else f"{row.gain:.4g}",
        f"{row.sigma:.3f}",
        f"{row.tukey_scale:.3f}",
        f"{row.tukey_lambda:+.3f}",
        f"{row.row_sigma:.3f}",
        f"{row.black:.1f}",
        f"{row.dark_shading:.2f}",
        f"{row.hot_share:.1e}",
        f"{row.darks}+{row.flats}",
    )


def calibration_record(calibration: "Calibration") -> dict[str, object]:
    """Return the calibration as one record."""
    return {"v": VERSION, "darkroom": __version__, "calibration": to_record(calibration)}
