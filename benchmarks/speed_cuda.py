"""How fast a GPU develops frames, and how far its pixels are from the CPU's.

    python benchmarks/speed_cuda.py                        # prints; without a GPU it says so
    python benchmarks/speed_cuda.py --json gpu.json
    python benchmarks/speed_cuda.py --device cpu --megapixels 0.5 --runs 2 --frames 4

It needs torch, numpy, OpenCV, tifffile and safetensors, but nothing that reads RAW files: its
frame is drawn, and "file to file" is from counts in a .npy file to a TIFF file that is published
as darkroom does it. Without `--weights` the network is the shipped `fast-unet`.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile
import torch
from record import write_record
from speed_cuda_frame import (
    Found,
    Pixels,
    by_numpy,
    distance,
    facts,
    frame,
    network_in,
    network_name,
)

from darkroom.camera.bayer import amplified_planes
from darkroom.camera.raw import RawImage
from darkroom.inference.cuda_engine import CudaEngine, make_cuda_engine
from darkroom.inference.develop import Facts, develop, numbers_of, tone_of, upright
from darkroom.inference.developing import Developed, developed, uploaded
from darkroom.inference.torch_engine import make_engine
from darkroom.networks import Network
from darkroom.picture.metadata import PictureMetadata
from darkroom.picture.tiff import write_tiff
from darkroom.publish import publish

SHIPPED = Path(__file__).parents[1] / "models" / "fast-unet.safetensors"


def main() -> None:
    """Measure what was asked for and print it."""
    asked = arguments()
    if asked.device.startswith("cuda") and not torch.cuda.is_available():
        print("No CUDA device is usable here: nothing was measured; --device cpu tries the script.")
        return
    raw, network = frame(asked.megapixels), network_in(asked.weights)
    engine = make_cuda_engine(network, device=asked.device, precision=asked.precision)
    found: Found = {
        "device": name_of(asked.device),
        "torch": torch.__version__,
        "precision": engine.precision,
        "network": network_name(asked.weights),
        "megapixels": round(raw.mosaic.size / 1e6, 2),
        "seconds": stages(engine, raw, asked.runs),
    }
    start_anew(engine)
    found["frames_a_second"] = rates(engine, raw, asked.frames, asked.threads)
    found["recordings"] = len(engine.graphs)
    found["memory_mb"] = memory(asked.device)
    found["against_the_cpu"] = equality(engine, raw, network_in(asked.weights))
    print(json.dumps(found, indent=1))
    if asked.json:
        write_record(asked.json, found)


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--precision", default="auto", choices=("auto", "fp32", "bf16"))
    parser.add_argument("--megapixels", type=float, default=12)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--frames", type=int, default=48, help="of a batch")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 4, 8])
    parser.add_argument("--weights", type=Path, default=SHIPPED)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def name_of(device: str) -> str:
    """Return the name of a GPU, or of what stands in for it."""
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device


def stages(engine: CudaEngine, raw: RawImage, runs: int) -> Found:
    """Return seconds of the parts of a frame, each by itself: medians, by the GPU's own clock."""
    known, transfers = facts(raw), engine.transfers
    counts = raw.mosaic.view(np.int16)
    work = partial(develop, layout=known.layout, predict=engine.predict)
    with engine.computing():
        told = transfers.upload(numbers_of(known), tone_of(known))
        frame_in = (*transfers.upload(counts).here(), *told.here())
        planes = torch.from_numpy(amplified_planes(raw, known.gains))[None].to(engine.device)
        network_in = planes, torch.from_numpy(known.noise)[None].to(engine.device)
        levels = work(*frame_in)[0].clone()
        picture = upright(levels, 1)

    def network(*given: torch.Tensor) -> tuple[torch.Tensor]:
        return (engine.predict(*given),)

    recorded = engine.graphs
    parts: dict[str, tuple[str, Callable[[], object]]] = {
        "upload": ("upload", partial(transfers.upload, counts)),
        "network, at once": ("compute", partial(network, *network_in)),
        "network, kernels tried out": ("compute", partial(tried_out, network, *network_in)),
        "network, recorded": ("compute", partial(recorded, "network", network, network_in)),
        "counts to levels, at once": ("compute", partial(work, *frame_in)),
        "counts to levels, recorded": ("compute", partial(recorded, "frame", work, frame_in)),
        "turn": ("compute", partial(upright, levels, 6)),
        "download": ("download", partial(transfers.download, picture)),
        "one frame, waited for": ("", partial(one_frame, engine, raw, known)),
    }
    found: Found = {}
    for name, (which, action) in parts.items():
        with engine.computing():
            stream = getattr(transfers.streams, which, None)
            found[name] = median_seconds(action, runs, stream)
    return found


def tried_out(action: Callable[..., object], *given: torch.Tensor) -> object:
    """Let cuDNN choose its kernels by trying them out, which darkroom does not."""
    with torch.backends.cudnn.flags(enabled=True, benchmark=True, allow_tf32=True):
        return action(*given)


def start_anew(engine: CudaEngine) -> None:
    """Forget recordings, and the most memory that was in use."""
    engine.forget()
    if engine.device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(engine.device)


def one_frame(engine: CudaEngine, raw: RawImage, known: Facts) -> Pixels:
    """Develop a frame and wait for its pixels."""
    return enough(developed(engine, raw.mosaic, known)).pixels()


def enough(found: Developed | None) -> Developed:
    """End where a frame could not be developed."""
    if found is None:
        raise SystemExit("the GPU has too little memory for this frame")
    return found


def median_seconds(action: Callable[[], object], runs: int, stream: Any) -> float:
    """Return the median of the seconds that something takes in a stream, after three warm-ups.

    Without a stream, the clock on the wall counts.
    """
    for _ in range(3):
        action()
    return round(statistics.median(seconds(action, stream) for _ in range(runs)), 6)


def seconds(action: Callable[[], object], stream: Any) -> float:
    """Return the seconds of one run."""
    if stream is None:
        started = time.perf_counter()
        action()
        return time.perf_counter() - started
    stream.synchronize()
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record(stream)
    action()
    end.record(stream)
    end.synchronize()
    return float(start.elapsed_time(end)) / 1000


def rates(engine: CudaEngine, raw: RawImage, frames: int, threads: list[int]) -> Found:
    """Return frames a second, in memory and from file to file, by the threads of each direction."""
    found: Found = {}
    with tempfile.TemporaryDirectory(prefix="darkroom-") as name:
        np.save(counts := Path(name, "counts.npy"), raw.mosaic)
        for count in threads:
            batches = {
                "memory to memory": Batch(frames, count, lambda: raw.mosaic, taken),
                **{
                    f"file to file, {compression}": Batch(
                        frames,
                        count,
                        partial(np.load, counts),
                        partial(written, Path(name), compression),
                    )
                    for compression in ("none", "deflate")
                },
            }
            for what, batch in batches.items():
                started = time.perf_counter()
                work_off(batch, engine, facts(raw))
                rate = frames / (time.perf_counter() - started)
                found[f"{what}, {count} threads"] = round(rate, 2)
    return found


@dataclass(frozen=True)
class Batch:
    """Frames to develop: how many, with how many threads each way, from where and to where."""

    frames: int
    threads: int
    load: Callable[[], npt.NDArray[np.uint16]]
    finish: Callable[[int, Developed], None]


def work_off(batch: Batch, engine: CudaEngine, known: Facts) -> None:
    """Develop frames; threads load and send some, this one computes, others take what is ready."""

    def read() -> tuple[npt.NDArray[np.uint16], Any]:
        counts = batch.load()
        return counts, uploaded(engine, counts)

    pools = ThreadPoolExecutor(batch.threads), ThreadPoolExecutor(batch.threads)
    with pools[0] as readers, pools[1] as writers:
        ahead = deque(readers.submit(read) for _ in range(min(batch.threads, batch.frames)))
        behind: deque[Future[None]] = deque()
        for number in range(batch.frames):
            counts, arriving = ahead.popleft().result()
            if number + len(ahead) + 1 < batch.frames:
                ahead.append(readers.submit(read))
            found = enough(developed(engine, counts, known, arriving))
            behind.append(writers.submit(batch.finish, number, found))
            if len(behind) > batch.threads:
                behind.popleft().result()
        for last in behind:
            last.result()


def taken(_: int, found: Developed) -> None:
    """Wait for the pixels of a frame and let go of them."""
    found.pixels()


def written(folder: Path, compression: str, number: int, found: Developed) -> None:
    """Publish the picture of a frame."""
    write = partial(
        write_tiff, pixels=found.pixels(), metadata=PictureMetadata(), compression=compression
    )
    publish(folder / f"{number % 8}.tif", write, overwrite=True)


def memory(device: str) -> Found:
    """Return the most memory of the GPU that was in use, and that was taken, in MB."""
    if not device.startswith("cuda"):
        return {}
    return {
        "used": torch.cuda.max_memory_allocated(device) >> 20,
        "taken": torch.cuda.max_memory_reserved(device) >> 20,
    }


def equality(engine: CudaEngine, raw: RawImage, network: Network) -> Found:
    """Compare the pixels of each precision with those of the CPU in single precision.

    What is recorded is compared with what is done at once, too, and a file with what went in.
    """
    known = facts(raw)
    truth = by_numpy(raw, known, make_engine(network, device="cpu", precision="fp32"))
    found: Found = {}
    for precision, one in (("fp32", engine.exactly()), (engine.precision, engine)):
        pictures = [one_frame(one, raw, known) for _ in range(3)]
        found[precision] = distance(pictures[-1], truth)
        found[precision]["played as at once"] = bool(np.array_equal(pictures[0], pictures[-1]))
    with tempfile.TemporaryDirectory(prefix="darkroom-") as name:
        written(Path(name), "deflate", 0, enough(developed(engine, raw.mosaic, known)))
        read = tifffile.imread(Path(name) / "0.tif")
    found["file as computed"] = bool(np.array_equal(read, pictures[-1]))
    return found


if __name__ == "__main__":
    main()
