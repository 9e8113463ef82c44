"""The command `darkroom calibrate`."""

from pathlib import Path
from typing import Annotated

import typer

from darkroom.cli.follow import verbosity_of
from darkroom.cli.options import Json, Overwrite, Quiet, Verbose
from darkroom.errors import NothingMatched, UsageProblem

EPILOG = """Examples:

\b
  darkroom calibrate darks flats -o camera.json
  darkroom calibrate 'darks/*.NEF' 'flats/*.NEF' -o camera.json --name my-camera
  darkroom simulate photo.png -o dark.dng --camera camera.json
"""

Darks = Annotated[
    str,
    typer.Argument(
        metavar="DARKS",
        help="Folder, file or quoted pattern: RAW files taken with the lens cap on.",
        show_default=False,
    ),
]
FlatFrames = Annotated[
    str | None,
    typer.Argument(
        metavar="FLATS",
        help="The same for RAW files of an evenly lit surface, best in pairs of equal exposure.",
        show_default=False,
    ),
]
OutFile = Annotated[Path, typer.Option("-o", "--out", metavar="FILE", help="The JSON to write.")]
Iso = Annotated[
    float | None, typer.Option(help="Of files that do not state theirs.", show_default=False)
]
GainPerIso = Annotated[
    float | None,
    typer.Option(
        help="Counts per electron at ISO 1, for each ISO whose flats are missing or useless.",
        show_default=False,
    ),
]
Name = Annotated[
    str, typer.Option(help="What to call the camera.  [default: its model]", show_default=False)
]


def command(
    darks: Darks,
    flats: FlatFrames = None,
    *,
    out: OutFile,
    iso: Iso = None,
    gain_per_iso: GainPerIso = None,
    name: Name = "",
    overwrite: Overwrite = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Measure the noise of a camera, to simulate it and to train for it.

    Reads dark frames and evenly lit frames, of as many ISOs as there are, and writes a file that
    `darkroom simulate --camera` and the configuration of a training take. Files that cannot be
    used are named and skipped.
    """
    from darkroom.batch.inputs import expand_inputs
    from darkroom.calibrate import CalibrateSettings, Watcher, calibrate
    from darkroom.camera.read import is_raw_name
    from darkroom.report.calibration import calibration_record, write_calibration
    from darkroom.report.console import complain, say
    from darkroom.report.records import write_record

    if out.suffix.lower() != ".json":
        raise UsageProblem(f"-o {out}: a JSON file is written; let the name end in .json")
    verbosity = verbosity_of(quiet, verbose)
    dark_files, flat_files = (
        [item.path for item in expand_inputs([pattern], is_input=is_raw_name).inputs]
        if pattern is not None
        else []
        for pattern in (darks, flats)
    )
    for pattern, matched in ((darks, dark_files), (flats, flat_files)):
        if pattern is not None and not any(path.exists() for path in matched):
            raise NothingMatched(f"{pattern}: there is no RAW file of this name or in this folder")
    calibration = calibrate(
        dark_files,
        flat_files,
        out,
        CalibrateSettings(iso=iso, gain_per_iso=gain_per_iso, name=name, overwrite=overwrite),
        Watcher(lambda path: say(f"{path}: measured") if verbosity > 1 else None, complain),
    )
    if json:
        write_record(calibration_record(calibration))
    elif verbosity > 0:
        write_calibration(calibration)
    if verbosity > 0:
        for note in calibration.notes:
            say(f"note: {note}")
        say(f"calibration: {out}")
