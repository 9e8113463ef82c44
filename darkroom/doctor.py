"""Recipe: this machine -> what darkroom finds here, and what to do about it.

Every check imports what it looks at by itself: a library that does not load becomes a line of the
report, and the other lines still come.
"""

import platform
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from darkroom import __version__
from darkroom.errors import DarkroomError

if TYPE_CHECKING:
    from darkroom.inference.engine import Engine
    from darkroom.zoo.card import Card

Status = Literal["ok", "warning", "problem"]
SEVERITIES: tuple[Status, ...] = ("ok", "warning", "problem")

MEGAPIXELS = (12, 24, 50)  # for which the memory of a run is told
TOLERANCE = 1.15  # measured memory may be this much over what is planned with
# Two pictures of 50 megapixels with six bytes a pixel, and 256 MB for everything else.
LEAST_DISK = 2 * 50_000_000 * 6 + (256 << 20)
REINSTALL = "install darkroom again: pip install --force-reinstall darkroom"

LIBRARIES = ("rawpy", "torch", "openvino", "numpy", "opencv", "exifread", "safetensors")
# OpenCV comes in four packages.
OPENCV = tuple(
    f"opencv{kind}-python{end}" for end in ("-headless", "") for kind in ("", "-contrib")
)


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes:
        topic: what was looked at.
        status: "problem" means that darkroom cannot work here until it is solved.
        text: what was found.
        advice: what to do; "" if nothing.
        facts: the same in numbers, for scripts.
    """

    topic: str
    status: Status
    text: str
    advice: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)


Check = Callable[[], Iterator[Finding]]


def diagnose() -> list[Finding]:
    """Look at everything a run needs; nothing is changed and no file of the user is opened."""
    return [finding for topic, check in CHECKS.items() for finding in guarded(topic, check)]


def worst(findings: list[Finding]) -> Status:
    """Return the gravest status.

    >>> worst([Finding("a", "ok", ""), Finding("b", "warning", "")])
    'warning'
    """
    return max((finding.status for finding in findings), key=SEVERITIES.index, default="ok")


def guarded(topic: str, check: Check) -> Iterator[Finding]:
    """Yield a check's findings; whatever goes wrong in it is a finding, too."""
    try:
        yield from check()
    except DarkroomError as error:
        yield Finding(topic, "problem", str(error))
    except Exception as error:  # a broken library may raise anything
        yield broken(topic, error)


def broken(topic: str, error: Exception) -> Finding:
    """Return the finding of something that does not even load."""
    first = (str(error).splitlines() or [""])[0]
    return Finding(topic, "problem", f"{type(error).__name__}: {first}", REINSTALL)


def check_program() -> Iterator[Finding]:
    """Say which darkroom, Python and system this is."""
    python = platform.python_version()
    text = f"{__version__}, Python {python}, {platform.platform()}"
    facts = {"darkroom": __version__, "python": python, "platform": platform.platform()}
    yield Finding("darkroom", "ok", text, facts=facts)


def check_libraries() -> Iterator[Finding]:
    """Say which libraries are here, and which of them do not load."""
    versions = {name: package_version(name) for name in LIBRARIES}
    text = ", ".join(f"{name} {found}" for name, found in versions.items())
    yield Finding("libraries", "ok", text, facts=versions)
    for name, load in LOADERS.items():
        try:
            load()
        except Exception as error:
            yield broken(name, error)


def package_version(library: str) -> str:
    """Return the version of the installed package of a library, "unknown" if there is none."""
    for package in OPENCV if library == "opencv" else (library,):
        try:
            return version(package)
        except PackageNotFoundError:
            continue
    return "unknown"


def load_exifread() -> object:
    """Import what reads EXIF."""
    from darkroom.camera.exif import exif_reader

    return exif_reader()


def load_opencv() -> object:
    """Import what reads pictures."""
    from darkroom.picture import load

    return load


LOADERS = {"exifread": load_exifread, "opencv": load_opencv}  # other checks load the rest


def check_libraw() -> Iterator[Finding]:
    """Say whether LibRaw is new enough for files from strangers."""
    from darkroom.camera import decoder_version as libraw

    libraw.refuse_old_libraw()
    number, warning = libraw.dotted(libraw.libraw_version()), libraw.libraw_warning()
    status: Status = "warning" if warning else "ok"
    yield Finding("LibRaw", status, warning or number, facts={"libraw": number})


def check_isolation() -> Iterator[Finding]:
    """Say whether files can be decoded apart from everything else."""
    from darkroom.camera.isolation import walls

    found = walls()
    missing = [name for name, is_there in found.items() if not is_there]
    if missing:
        advice = "decode files from strangers on Linux, outside restricted containers"
        text = f"decoding has fewer walls here; missing: {', '.join(missing)}"
        yield Finding("isolation", "warning", text, advice, facts=found)
    else:
        yield Finding("isolation", "ok", f"decoding is apart: {', '.join(found)}", facts=found)


def check_processor() -> Iterator[Finding]:
    """Say what computes: cores, native bfloat16, CUDA devices."""
    from darkroom.inference.devices import gpus, processor

    cpu, found = processor(), gpus()
    bf16 = "native" if cpu.native_bf16 else "not native, float32 is used"
    text = f"{cpu.cores} cores, {cpu.threads} threads, bfloat16 {bf16}"
    yield Finding("CPU", "ok", text, facts=vars(cpu))
    for gpu in found:
        text = f"{gpu.name}, {megabytes(gpu.memory)}, {megabytes(gpu.free)} free"
        yield Finding("CUDA", "ok", text, facts=vars(gpu))
    if not found:
        yield Finding("CUDA", "ok", "no device usable; the CPU does the work")


def check_models() -> Iterator[Finding]:
    """Verify every model completely, and say where was looked."""
    from darkroom.zoo.find import DEFAULT, available, folders, locate, refused

    places = [str(folder) + ("" if folder.is_dir() else " (absent)") for folder in folders()]
    yield Finding("folders", "ok", ", ".join(places), facts={"folders": places})
    locate(DEFAULT)
    for name, path in available().items():
        yield check_model(path, is_needed=name == DEFAULT)
    for path, reason in refused().items():
        yield Finding("model", "warning", f"{path} is not used: {reason}", "rename or remove it")


def check_model(path: Path, *, is_needed: bool) -> Finding:
    """Verify one model; only the default one being damaged is a problem of the installation."""
    from darkroom.zoo.weights import load_weights

    try:
        weights = load_weights(path)
    except DarkroomError as error:
        return Finding("model", "problem" if is_needed else "warning", str(error))
    card, count = weights.card, len(weights.tensors)
    text = f"{card.name} {card.version}, whole: {count} tensors, sha256 {card.sha256[:16]}"
    facts = {"name": card.name, "version": card.version, "sha256": card.sha256, "path": str(path)}
    return Finding("model", "ok", text, facts=facts)


def check_engine() -> Iterator[Finding]:
    """Load the default model as a run would, and say what it will take."""
    from darkroom.inference.engine import AUTO
    from darkroom.zoo.contents import read_contents
    from darkroom.zoo.engines import engine_for
    from darkroom.zoo.find import DEFAULT, locate

    contents = read_contents(locate(DEFAULT))
    engine = engine_for(contents, AUTO)
    name = contents.card.name
    text = f"auto takes {engine.device} in {engine.precision}, by {engine.name}, for {name}"
    facts = {"engine": engine.name, "device": engine.device, "precision": engine.precision}
    yield Finding("engine", "ok", text, facts=facts)
    yield check_free_memory(engine)
    yield from memory_of_runs(engine, contents.card)
    yield check_pixel(engine)


def check_free_memory(engine: "Engine") -> Finding:
    """Say how much memory is free and how much of it a run takes by itself."""
    from darkroom.inference.memory import free_memory, tile_budget

    free, limit = free_memory(engine.device), tile_budget(engine.device)
    text = f"{megabytes(free)} free; tiles take at most {megabytes(limit)}, --max-memory sets less"
    facts = {"free": free, "tiles_limit": limit}
    if limit < engine.runtime_bytes:
        return Finding("memory", "warning", text, "end other programs first", facts)
    return Finding("memory", "ok", text, facts=facts)


def memory_of_runs(engine: "Engine", card: "Card") -> Iterator[Finding]:
    """Tell the formula of a run's memory, and what it says of common sizes."""
    from darkroom.inference import memory

    stated, smallest = engine.bytes_per_pixel, (3 * card.halo) ** 2
    fixed = memory.resident() + engine.runtime_bytes
    text = (
        f"{megabytes(fixed)} for the program + {memory.FRAME_BYTES} bytes for each packed pixel "
        f"(four of the sensor's) of the frame + {stated} for each of a tile"
    )
    yield Finding("memory use", "ok", text, facts={"fixed": fixed, "per_tile_pixel": stated})
    for megapixels in MEGAPIXELS:
        frame = megapixels * 1_000_000 // 4
        held = fixed + frame * memory.FRAME_BYTES
        whole, tiled = held + frame * stated, held + min(frame, smallest) * stated
        text = f"at most {megabytes(whole)} in one piece, {megabytes(tiled)} in the smallest tiles"
        facts = {"megapixels": megapixels, "whole": whole, "tiled": tiled}
        yield Finding(f"  {megapixels} MP", "ok", text, facts=facts)


def check_pixel(engine: "Engine") -> Finding:
    """Compare the memory the network takes with what is planned for it."""
    from darkroom.inference.probe import measured_bytes_per_pixel

    stated, measured = engine.bytes_per_pixel, measured_bytes_per_pixel(engine)
    facts = {"stated": stated, "measured": measured}
    if measured is None:
        text = f"{stated} bytes planned for a packed pixel; this system does not let it be measured"
        return Finding("network", "ok", text, facts=facts)
    text = f"{measured:.0f} bytes for a packed pixel measured here, {stated} are planned"
    if measured <= TOLERANCE * stated:
        return Finding("network", "ok", text, facts=facts)
    share = 100 * stated / measured
    advice = f"give --max-memory only {share:.0f} % of what it may take"
    return Finding("network", "warning", text, advice, facts)


def check_disk() -> Iterator[Finding]:
    """Say how much room the current folder has."""
    free = shutil.disk_usage(Path.cwd()).free
    status: Status = "ok" if free >= LEAST_DISK else "warning"
    advice = "" if status == "ok" else "make room, or write elsewhere with --out"
    text = f"{megabytes(free)} free in the current folder"
    yield Finding("disk", status, text, advice, {"free": free})


def megabytes(count: int) -> str:
    """Return a number of bytes in words.

    >>> megabytes(1392 << 20)
    '1,392 MB'
    """
    return f"{count >> 20:,} MB"


CHECKS: dict[str, Check] = {
    "darkroom": check_program,
    "libraries": check_libraries,
    "LibRaw": check_libraw,
    "isolation": check_isolation,
    "CPU": check_processor,
    "model": check_models,
    "engine": check_engine,
    "disk": check_disk,
}
