"""The file of a measured camera: what `darkroom calibrate` found, as JSON that anyone may send.

Such a file is data of strangers. It is bounded in size, every number has to lie in a range that a
camera can have, and unknown keys are refused.
"""

import json
import math
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

from darkroom.camera.exif import clean_text
from darkroom.errors import UsageProblem
from darkroom.regular_file import open_regular

FORMAT, VERSION = "darkroom-calibration", 1
MAX_BYTES = 1 << 20
MAX_ROWS, MAX_NOTES, MAX_TEXT, MAX_FRAMES = 64, 256, 300, 1_000_000
DIGITS = 6  # significant ones that are written
HIGHEST_COUNT = 65535.0

Range = tuple[float, float]
Triple = tuple[float, float, float]
Matrix = tuple[Triple, Triple, Triple]

ROW_RANGES: dict[str, Range] = {
    "iso": (1, 10_000_000),
    "gain": (1e-6, 1e5),
    "sigma": (0, HIGHEST_COUNT),
    "tukey_scale": (0, HIGHEST_COUNT),
    "tukey_lambda": (-0.5, 1),
    "row_sigma": (0, HIGHEST_COUNT),
    "black": (-HIGHEST_COUNT, HIGHEST_COUNT),
    "dark_shading": (0, 1e6),
    "hot_share": (0, 1),
    "darks": (1, MAX_FRAMES),
    "flats": (0, MAX_FRAMES),
}
WHOLE = {"darks", "flats"}
TEXTS = ("name", "make", "model", "date", "program")


@dataclass(frozen=True)
class CalibrationRow:
    """What was measured at one ISO; counts are those of the file.

    Attributes:
        iso: sensitivity.
        gain: counts per electron, None where no flats told.
        sigma: deviation of the read noise without row offsets and rounding, in counts.
        tukey_scale: scale of the Tukey-lambda distribution that fits it, in counts.
        tukey_lambda: its shape.
        row_sigma: deviation of the offset common to a row, in counts.
        black: mean black level of the darks, in counts.
        dark_shading: deviation of the smooth part of the darks, in read-noise deviations.
        hot_share: share of the pixels that are hot in every dark.
        darks: number of dark frames behind the row; likewise `flats`.
    """

    iso: float
    gain: float | None
    sigma: float
    tukey_scale: float
    tukey_lambda: float
    row_sigma: float
    black: float
    dark_shading: float
    hot_share: float
    darks: int
    flats: int


@dataclass(frozen=True)
class Calibration:
    """A measured camera.

    Attributes:
        name: what it is called in tables.
        make: as in its files; likewise `model`.
        black: black level in counts.
        white: count at which it saturates.
        xyz_to_camera: colour matrix, from CIE XYZ (D65) to camera RGB.
        daylight: white-balance gains of red and blue in daylight.
        rows: one an ISO, rising.
        hot_pixels: share of the pixels that are hot, the largest of all ISOs.
        notes: what a user of the numbers should know.
        date: when it was measured, ISO 8601.
        program: what wrote it, with its version.
    """

    name: str
    make: str
    model: str
    black: float
    white: float
    xyz_to_camera: Matrix
    daylight: tuple[float, float]
    rows: tuple[CalibrationRow, ...]
    hot_pixels: float = 0.0
    notes: tuple[str, ...] = ()
    date: str = ""
    program: str = ""


def to_record(calibration: Calibration) -> dict[str, Any]:
    """Return the calibration as the JSON object of its file."""
    record = {"format": FORMAT, "version": VERSION, **asdict(calibration)}
    rounded: dict[str, Any] = shortened(record)
    return rounded


def to_json(calibration: Calibration) -> bytes:
    """Return the file's content."""
    text = json.dumps(to_record(calibration), indent=1, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode("utf-8")


def shortened(value: Any) -> Any:
    """Return a JSON value with its numbers cut to significant digits.

    >>> shortened({"gain": [0.123456789, 3]})
    {'gain': [0.123457, 3]}
    """
    match value:
        case float():
            return float(f"{value:.{DIGITS}g}")
        case dict():
            return {key: shortened(item) for key, item in value.items()}
        case list() | tuple():
            return [shortened(item) for item in value]
    return value


def load_calibration(path: Path) -> Calibration:
    """Read a calibration file.

    Raises:
        UsageProblem: it cannot be read, is none, or holds numbers that no camera has.
    """
    try:
        with open_regular(path) as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageProblem(f"calibration {path} cannot be read: {error.strerror}") from None
    if len(content) > MAX_BYTES:
        raise UsageProblem(f"{path} is too large for a calibration (1 MB at most)")
    try:
        record = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise UsageProblem(f"{path} is no calibration; `darkroom calibrate` writes them")
    return from_record(record, str(path))


def from_record(record: dict[str, Any], source: str) -> Calibration:
    """Check a JSON object and return the calibration it holds; `source` names it in errors."""
    if record.get("version") != VERSION:
        raise UsageProblem(
            f"{source} has another format version than {VERSION}; use the darkroom that wrote it,"
            " or calibrate again"
        )
    known = {"format", "version", *(field.name for field in fields(Calibration))}
    check_keys(record, known, source)
    black = number(record, "black", (0, HIGHEST_COUNT), source)
    white = number(record, "white", (1, HIGHEST_COUNT), source)
    if black >= white:
        refuse(source, "black", "not below white")
    first, second, third = (
        triple(line, "xyz_to_camera", source) for line in items(record, "xyz_to_camera", 3, source)
    )
    daylight = items(record, "daylight", 2, source)
    red, blue = (number({"daylight": gain}, "daylight", (0.02, 50), source) for gain in daylight)
    return Calibration(
        **{name: text(record.get(name), name, source) for name in TEXTS},
        black=black,
        white=white,
        xyz_to_camera=invertible((first, second, third), source),
        daylight=(red, blue),
        rows=checked_rows(record, source),
        hot_pixels=number(record, "hot_pixels", (0, 1), source),
        notes=tuple(text(note, "notes", source) for note in notes_of(record, source)),
    )


def checked_rows(record: dict[str, Any], source: str) -> tuple[CalibrationRow, ...]:
    """Return the rows; there is at least one, the ISO rises, and one has a gain."""
    listed = record.get("rows")
    if not isinstance(listed, list) or not 1 <= len(listed) <= MAX_ROWS:
        refuse(source, "rows", f"not a list of 1 to {MAX_ROWS}")
    rows = tuple(checked_row(row, source) for row in listed)
    if any(row.iso >= later.iso for row, later in pairwise(rows)):
        refuse(source, "rows", "not in the order of their ISO")
    if all(row.gain is None for row in rows):
        refuse(source, "rows", "without any gain")
    return rows


def checked_row(row: object, source: str) -> CalibrationRow:
    """Return one row."""
    if not isinstance(row, dict):
        refuse(source, "rows", "not objects")
    check_keys(row, set(ROW_RANGES), source)
    values: dict[str, Any] = {
        name: number(row, name, bounds, source)
        for name, bounds in ROW_RANGES.items()
        if not (name == "gain" and row.get("gain", 0) is None)
    }
    whole = {name: int(values[name]) for name in WHOLE}
    return CalibrationRow(**{"gain": None, **values, **whole})


def check_keys(record: dict[str, Any], known: set[str], source: str) -> None:
    """Refuse keys that nobody knows."""
    unknown = sorted(set(record) - known)
    if unknown:
        refuse(source, clean_text(unknown[0])[:MAX_TEXT], "unknown")


def number(record: dict[str, Any], name: str, bounds: Range, source: str) -> float:
    """Return a number of the record; NaN lies in no range."""
    value = record.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        refuse(source, name, "missing or no number")
    low, high = bounds
    if not low <= value <= high:
        refuse(source, name, f"not within {low:g} to {high:g}")
    return float(value)


def items(record: dict[str, Any], name: str, count: int, source: str) -> list[object]:
    """Return a list of the record that has `count` items."""
    value = record.get(name)
    if not isinstance(value, list) or len(value) != count:
        refuse(source, name, f"not a list of {count}")
    return value


def triple(line: object, name: str, source: str) -> Triple:
    """Return one line of a matrix."""
    cells = items({name: line}, name, 3, source)
    first, second, third = (number({name: cell}, name, (-100, 100), source) for cell in cells)
    return first, second, third


def invertible(matrix: Matrix, source: str) -> Matrix:
    """Return a matrix that can be inverted."""
    (a, b, c), (d, e, f), (g, h, i) = matrix
    size = max(map(abs, (a, b, c, d, e, f, g, h, i)))
    determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    if math.isclose(size, 0.0) or abs(determinant) < 1e-4 * size**3:
        refuse(source, "xyz_to_camera", "no colour matrix")
    return matrix


def notes_of(record: dict[str, Any], source: str) -> list[object]:
    """Return the notes, as yet unchecked."""
    notes = record.get("notes", [])
    if not isinstance(notes, list) or len(notes) > MAX_NOTES:
        refuse(source, "notes", "not a short list")
    return notes


def text(value: object, name: str, source: str) -> str:
    """Return a text without control characters."""
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        refuse(source, name, f"missing or no text of at most {MAX_TEXT} characters")
    return clean_text(value)


def refuse(source: str, name: str, what: str) -> NoReturn:
    """Raise UsageProblem for a field."""
    raise UsageProblem(f"calibration {source}: {name!r} is {what}; calibrate again")
