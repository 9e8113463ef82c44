"""The command `darkroom simulate`."""

from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from darkroom.cli.follow import follow, verbosity_of
from darkroom.cli.options import Json, Overwrite, Quiet, Verbose
from darkroom.errors import UsageProblem


class Phase(StrEnum):
    """Which colour the first pixels of the sensor see."""

    RGGB = "RGGB"
    GRBG = "GRBG"
    GBRG = "GBRG"
    BGGR = "BGGR"


class ReadNoise(StrEnum):
    """Shape of the signal-independent noise."""

    TUKEY = "tukey"
    GAUSSIAN = "gaussian"


EPILOG = """Example:

\b
  darkroom simulate photo.png -o dark.dng --camera sony-a7s2 --iso 3200 --ratio 100
"""


def list_cameras(camera: str) -> str:
    """Answer `--camera list`; return any other name."""
    if camera != "list":
        return camera
    from darkroom.camera.sensors import SENSORS
    from darkroom.report.models import write_columns

    write_columns([(name,) for name in SENSORS])
    raise typer.Exit


Picture = Annotated[
    Path, typer.Argument(metavar="PICTURE", help="A clean PNG, TIFF, JPEG or RAW file.")
]
OutFile = Annotated[Path, typer.Option("-o", "--out", metavar="FILE", help="The DNG to write.")]
Camera = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="Whose noise and colours: a name that `--camera list` shows, or a calibration file.",
        callback=list_cameras,
        is_eager=True,
    ),
]
Iso = Annotated[float, typer.Option(help="Sensitivity, which sets the noise.")]
Ratio = Annotated[float, typer.Option(help="How much darker than the picture.")]
Seed = Annotated[int, typer.Option(min=0, help="Of the noise: the same seed, the same file.")]


def command(
    picture: Picture,
    *,
    out: OutFile,
    camera: Camera = "sony-a7s2",
    iso: Iso = 3200,
    ratio: Ratio = 100,
    phase: Annotated[Phase, typer.Option(help="Pattern of the sensor.")] = Phase.RGGB,
    seed: Seed = 0,
    read_noise: Annotated[ReadNoise, typer.Option(help="Shape of its noise.")] = ReadNoise.TUKEY,
    overwrite: Overwrite = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Turn a clean picture into a dark RAW file.

    The DNG is what the camera would have made of the scene with that much less light: its
    colours, its mosaic and its noise.
    """
    from darkroom.batch.plan import refuse_collisions, single_job
    from darkroom.batch.records import Run
    from darkroom.batch.run import kept, never, one_by_one, run_jobs
    from darkroom.simulate import SimulateSettings, simulate_file

    if out.suffix.lower() != ".dng":
        raise UsageProblem(f"-o {out}: a DNG is written; let the name end in .dng")
    settings = SimulateSettings(
        camera=camera,
        iso=iso,
        ratio=ratio,
        phase=phase.value,
        seed=seed,
        read_noise=read_noise.value,
        overwrite=overwrite,
    )
    jobs = [single_job(picture, out)]
    refuse_collisions(jobs)
    outcomes = run_jobs(
        jobs,
        one_by_one(
            lambda: nullcontext(lambda job: simulate_file(job.source, job.target, settings))
        ),
        settled=never if overwrite else kept,
    )
    run, verbosity = Run(command="simulate"), verbosity_of(quiet, verbose)
    raise typer.Exit(follow(jobs, outcomes, verbosity=verbosity, json=json, run=run))
