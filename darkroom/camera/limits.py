"""How much one RAW file may ask for: pixels, bytes, time and memory."""

from dataclasses import dataclass

GIBIBYTE = 1 << 30


@dataclass(frozen=True)
class Limits:
    """Bounds on reading one file.

    Attributes:
        max_pixels: pixels of a frame; the largest sensors have 150 million.
        max_bytes: bytes of a file.
        min_bytes: no RAW file is smaller.
        pixels_per_byte: the strongest compression met in real files holds 4 pixels in a byte.
        seconds: time to decode any file.
        seconds_per_megapixel: time to decode a large one, where that is more.
        memory: bytes the decoder may allocate for any file, beyond the file's own bytes.
        memory_per_pixel: bytes it may allocate for each pixel on top.
        max_memory: bytes it may allocate at most.
        files_per_worker: files after which the decoder process is replaced.
    """

    max_pixels: int = 256_000_000
    max_bytes: int = GIBIBYTE
    min_bytes: int = 1024
    pixels_per_byte: int = 20
    seconds: float = 20.0
    seconds_per_megapixel: float = 0.5
    memory: int = GIBIBYTE
    memory_per_pixel: int = 20
    max_memory: int = 6 * GIBIBYTE
    files_per_worker: int = 500

    def seconds_for(self, pixels: int) -> float:
        """Return the time that a frame of `pixels` may take, 0 while its size is unknown.

        >>> Limits().seconds_for(0), Limits().seconds_for(100_000_000)
        (20.0, 50.0)
        """
        return max(self.seconds, self.seconds_per_megapixel * pixels / 1e6)

    def memory_for(self, size: int, pixels: int) -> int:
        """Return the bytes the decoder may allocate for a file of `size` bytes.

        >>> Limits().memory_for(0, 24_000_000) - GIBIBYTE
        480000000
        """
        return min(self.memory + size + self.memory_per_pixel * pixels, self.max_memory)


DEFAULT_LIMITS = Limits()
