"""RawTherapee 5.9 as a peer: exact exposure, its noise reduction, no look.

The processing profile is neutral: camera white balance, the file's colour matrix, no highlight
recovery, no tone curve, sRGB out. Exposure compensation, not pre-exposure, brightens: the noise
reduction knows of it and measures better with it. The default is what RawTherapee's own profile
"ISO High" says of noise; luminance has no automatic mode, chrominance is left automatic.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dark_frames import Condition, Method, Setting, Srgb
from peers_commands import run_over

PROGRAM = "rawtherapee-cli"

PROFILE = """[Version]
AppVersion=5.9
Version=349

[Exposure]
Auto=false
Compensation={compensation}
Brightness=0
Contrast=0
Saturation=0
Black=0
HighlightCompr=0
ShadowCompr=0
HistogramMatching=false
ClampOOG=true
CurveMode=Standard
Curve=0;
Curve2=0;

[HLRecovery]
Enabled=false

[White Balance]
Enabled=true
Setting=Camera

[Color Management]
InputProfile=(camera)
ToneCurve=false
ApplyLookTable=false
ApplyBaselineExposureOffset=false
ApplyHueSatMap=false
DCPIlluminant=0
WorkingProfile=ProPhoto
OutputProfile=RTv4_sRGB
OutputProfileIntent=Relative
OutputBPC=false

[RAW]
CA=false
HotPixelFilter=false
DeadPixelFilter=false
PreExposure=1

[RAW Bayer]
Method={demosaicing}
Border=0
CcSteps=0

[Directional Pyramid Denoising]
Enabled=true
Enhance=false
Median=true
Luma={luma}
Ldetail={detail}
Chroma=15
Method=Lab
LMethod=SLI
CMethod=AUT
C2Method=AUTO
SMethod=shal
MedMethod={median}
RGBMethod=soft
MethodMed=Lpab
Redchro=0
Bluechro=0
Gamma=1.7
Passes={passes}
LCurve=0;
CCCurve=0;
"""


def profile(ratio: float, setting: Setting) -> str:
    """Return the processing profile (pp3) of a setting.

    >>> "Compensation=3.0" in profile(8, DEFAULT)
    True
    """
    return PROFILE.format(compensation=math.log2(ratio), **setting)


def develop(dngs: list[Path], condition: Condition, setting: Setting) -> Iterator[Srgb]:
    """Yield RawTherapee's pictures."""

    def command(links: list[Path], pictures: Path, home: Path) -> list[str]:
        (home / "rt").mkdir()
        settings = home / "dark.pp3"
        settings.write_text(profile(condition.ratio, setting))
        output = ["-o", str(pictures), "-q", "-p", str(settings), "-t", "-b16", "-Y"]
        return [PROGRAM, *output, "-c", *map(str, links)]

    yield from run_over(dngs, command)


def strength(luma: int, detail: int, **other: Any) -> Setting:
    """Return a setting: strength on luminance, detail kept (both 0 to 100), and what is unusual."""
    usual = {"demosaicing": "lmmse", "median": "55", "passes": 1}
    return {"luma": luma, "detail": detail, **usual, **other}


DEFAULT = strength(50, 60)
GRID = (
    strength(5, 90, demosaicing="amaze"),
    strength(20, 75),
    strength(40, 60),
    strength(70, 30),
    strength(85, 15),
    strength(95, 0),
    strength(95, 0, median="99", passes=3),
)
METHODS = {
    "RawTherapee default": Method(develop, (DEFAULT,), PROGRAM),
    "RawTherapee best": Method(develop, GRID, PROGRAM),
}
