"""Say what darkroom finds in RAW files: camera, levels, exposure, noise, and the ratio of `auto`.

    python examples/describe_raw.py photo.ARW another.NEF

Without a name it describes the dark frame beside this script.
"""

import sys
from pathlib import Path

from darkroom.camera.exposure import RatioSpec, choose_ratio, described
from darkroom.camera.noise import noise_level
from darkroom.camera.read import read_raw
from darkroom.errors import FileProblem


def describe(path: Path) -> None:
    raw = read_raw(path)
    noise, source = noise_level(raw)
    rows, columns = raw.mosaic.shape
    print(f"{path.name}: {raw.camera}, {columns} x {rows}, starts {raw.phase}")
    print(f"  black {raw.black}, white {raw.white:g}")
    if raw.exposure.light is not None:
        print(f"  {described(raw.exposure)}")
    print(
        f"  green noise: variance = {noise.shot[1]:.3g} x signal + {noise.read[1]:.3g} ({source})"
    )
    print(f"  {choose_ratio(RatioSpec('auto'), raw, None).reason}")
    for warning in raw.warnings:
        print(f"  note: {warning}")


def main() -> int:
    names = sys.argv[1:] or [Path(__file__).with_name("dark_coffee.dng")]
    failed = 0
    for path in map(Path, names):
        try:
            describe(path)
        except FileProblem as problem:
            print(f"{path.name}: {problem}", file=sys.stderr)
            failed += 1
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
