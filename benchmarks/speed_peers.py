"""Section `peers`: darktable and RawTherapee with their noise reduction, on the same files.

    python benchmarks/speed_peers.py settings FOLDER
    python benchmarks/speed_peers.py versions

Both develop to a deflate TIFF of 16 bits on all cores, with what the quality benchmark gives them
as their defaults: exact exposure, no look, darktable's profiled denoise, RawTherapee's noise
reduction for high ISO. Each has a home of its own that is kept between runs, as a user's is. Run as
a script, this writes those settings, or prints the programs' versions as JSON.
"""

import json
import shutil
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from speed_bench import RATIO, SHIPPED, VARIANTS, Bench
from speed_contest import SLOW, ours
from speed_process import Contestant, Facts, Refused, finished, helper, interleaved

CONDITION = "sony-a7s2", 3200, float(RATIO)  # of the simulated frames
HOMES = {
    "HOME": "",
    "XDG_CONFIG_HOME": "",
    "XDG_CACHE_HOME": "",
    "RT_SETTINGS": "rt",
    "RT_CACHE": "",
}
HISTORY, OPTIONS, PROFILE = "dark.xmp", "darktable.json", "dark.pp3"
MakeCommand = Callable[[Sequence[Path], Path, Path], list[str]]


def darktable(files: Sequence[Path], out: Path, home: Path) -> list[str]:
    """Return darktable's command line for all files of a folder."""
    where = [str(files[0].parent), str(home / HISTORY), str(out)]
    folders = ["--configdir", str(home / "config"), "--cachedir", str(home / "cache")]
    core = ["--core", "--disable-opencl", "--library", ":memory:", *folders]
    options = json.loads((home / OPTIONS).read_text())
    return ["darktable-cli", *where, "--out-ext", "tif", "--icc-type", "SRGB", *core, *options]


def rawtherapee(files: Sequence[Path], out: Path, home: Path) -> list[str]:
    """Return RawTherapee's command line."""
    output = ["-o", str(out), "-q", "-p", str(home / PROFILE), "-tz", "-b16", "-Y"]
    return ["rawtherapee-cli", *output, "-c", *map(str, files)]


# Row: its program, and what makes its command line.
PEERS: dict[str, tuple[str, MakeCommand]] = {
    "darktable": ("darktable-cli", darktable),
    "RawTherapee": ("rawtherapee-cli", rawtherapee),
}


def peers(bench: Bench) -> Facts:
    """Measure the programs that are installed, and darkroom beside them: one file, and a batch."""
    home = bench.folder / "home"
    home.mkdir(exist_ok=True)
    helper("speed_peers.py", "settings", home)
    missing = {n: "not installed" for n, (command, _) in PEERS.items() if not shutil.which(command)}
    alone = measured(bench, home, missing, files=1, rounds=bench.runs)
    many = measured(bench, home, missing, files=bench.slow_batch, rounds=SLOW)
    rows = alone["rows"]
    for name, row in many["rows"].items():
        if name in rows and bench.slow_batch > 1:
            further = (row["whole"] - rows[name]["whole"]) / (bench.slow_batch - 1)
            rows[name]["further"] = round(further, 3)
    skipped = missing | alone["skipped"] | many["skipped"]
    return {"rows": rows, "skipped": skipped, "files": bench.slow_batch}


def measured(bench: Bench, home: Path, missing: Facts, *, files: int, rounds: int) -> Facts:
    """Run all in turn over so many files."""
    rows = {
        name: Contestant(partial(developed, bench, home, make_command, files), rounds)
        for name, (_, make_command) in PEERS.items()
        if name not in missing
    }
    default = partial(ours, bench, SHIPPED, VARIANTS["default"], files)
    return interleaved({**rows, f"darkroom {SHIPPED}": Contestant(default, rounds)})


def developed(bench: Bench, home: Path, make_command: MakeCommand, count: int) -> Facts:
    """Run a program over so many files; one that has never run here runs once before."""
    homes = {name: str(home / below) for name, below in HOMES.items()}
    mark = home / f"{make_command.__name__}.ran"
    with bench.scratch() as source, bench.scratch() as first, bench.scratch() as out:
        links = [source / file.name for file in bench.frames(count)]
        for link, file in zip(links, bench.frames(count), strict=True):
            link.symlink_to(file)
        if not mark.exists():
            finished(make_command(links, first, home), homes)
            mark.touch()
        done = finished(make_command(links, out, home), homes)
        written = len(list(out.glob("*.tif")))
    if written != count:
        raise Refused(f"wrote {written} pictures of {count}")
    return {"whole": done.seconds, "peak_mb": done.peak_mb}


def write_settings(home: Path) -> None:
    """Write what each program is told of noise, exposure and output."""
    import peers_darktable  # noqa: PLC0415 - they load darkroom, which would make this large
    import peers_rawtherapee  # noqa: PLC0415
    from dark_frames import Condition  # noqa: PLC0415

    condition = Condition(*CONDITION)
    history = peers_darktable.history(condition, peers_darktable.DEFAULT)
    (home / HISTORY).write_text(history)
    options = [o.replace("tiff/compress=0", "tiff/compress=1") for o in peers_darktable.OPTIONS]
    (home / OPTIONS).write_text(json.dumps([w for o in options for w in ("--conf", o)]))
    profile = peers_rawtherapee.profile(condition.ratio, peers_rawtherapee.DEFAULT)
    (home / PROFILE).write_text(profile)
    (home / "rt").mkdir(exist_ok=True)


def main() -> None:
    """Write the settings, or print the versions."""
    what, *rest = sys.argv[1:]
    if what == "settings":
        write_settings(Path(rest[0]))
    else:
        from quality_record import peer_versions  # noqa: PLC0415

        print(json.dumps(peer_versions()))


if __name__ == "__main__":
    main()
