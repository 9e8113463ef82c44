"""What cards, cables and crashes do to files: cut ends, zeroed blocks, flipped bits. All seeded."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np

KEPT = (0.01, 0.1, 0.5, 0.9, 0.99, 0.999)
TAILS = (0.5, 0.25, 0.15)  # of 128 rows, the last is 16 rows and more
BLOCK = 4096  # bytes of a file system's block
HEAD = 1024  # bytes that hold the directories of the seeds
EXTREMES = (0, 1, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)

Mutation = Callable[[bytearray, np.random.Generator], None]


def truncations(whole: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield a file cut at several places, each with what was done to it."""
    for share in KEPT:
        yield f"first {100 * share:g} %", whole[: round(share * len(whole))]
    yield "without its last byte", whole[:-1]


def zeroed_tails(whole: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield a file of full length whose end was never written."""
    for share in TAILS:
        missing = round(share * len(whole))
        yield f"last {100 * share:g} % zeroed", whole[:-missing] + bytes(missing)


def replaced_blocks(whole: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield a file with each of its 4 KB blocks zeroed, filled with ones or swapped in turn."""
    for start in range(BLOCK, len(whole) - 2 * BLOCK + 1, BLOCK):
        here, following = whole[start : start + BLOCK], whole[start + BLOCK : start + 2 * BLOCK]
        before, behind = whole[:start], whole[start + 2 * BLOCK :]
        yield f"block at {start} zeroed", before + bytes(BLOCK) + following + behind
        yield f"block at {start} all ones", before + b"\xff" * BLOCK + following + behind
        yield f"block at {start} swapped", before + following + here + behind


def flip_bits(content: bytearray, rng: np.random.Generator) -> None:
    """Flip up to 32 bits anywhere."""
    _flip(content, rng, len(content))


def flip_head_bits(content: bytearray, rng: np.random.Generator) -> None:
    """Flip up to 32 bits where the directories are."""
    _flip(content, rng, min(HEAD, len(content)))


def _flip(content: bytearray, rng: np.random.Generator, end: int) -> None:
    for at in rng.integers(0, 8 * end, rng.integers(1, 33)):
        content[at // 8] ^= 1 << int(at % 8)


def extreme_number(content: bytearray, rng: np.random.Generator) -> None:
    """Replace a number of the directories by one that is too small or too large."""
    width = int(rng.choice((2, 4)))
    at = 2 * int(rng.integers(0, (min(HEAD, len(content)) - width) // 2 + 1))
    value = int(rng.choice(EXTREMES)) % (1 << 8 * width)
    content[at : at + width] = value.to_bytes(width, "little")


def byte_run(content: bytearray, rng: np.random.Generator) -> None:
    """Overwrite up to 512 bytes with zeros, ones or noise."""
    length = min(int(rng.integers(1, 513)), len(content))
    at = int(rng.integers(0, len(content) - length + 1))
    fills = (bytes(length), b"\xff" * length, rng.bytes(length))
    content[at : at + length] = fills[int(rng.integers(0, 3))]


def swap_blocks(content: bytearray, rng: np.random.Generator) -> None:
    """Exchange two blocks of up to 4 KB."""
    length = min(int(rng.integers(1, BLOCK + 1)), len(content) // 2)
    first = int(rng.integers(0, len(content) - 2 * length + 1))
    second = int(rng.integers(first + length, len(content) - length + 1))
    here = content[first : first + length]
    content[first : first + length] = content[second : second + length]
    content[second : second + length] = here


def cut(content: bytearray, rng: np.random.Generator) -> None:
    """Cut the end off, leaving one byte at least."""
    del content[int(rng.integers(1, len(content))) :]


# Directories decide what a decoder does, so that half of all mutations aim there.
MUTATIONS: tuple[tuple[Mutation, float], ...] = (
    (flip_bits, 0.15),
    (flip_head_bits, 0.25),
    (extreme_number, 0.25),
    (byte_run, 0.15),
    (swap_blocks, 0.1),
    (cut, 0.1),
)


def mutant(seeds: Mapping[str, bytes], number: int, *, seed: int = 0) -> tuple[str, bytes]:
    """Return the name and content of mutant `number`: a seed with one to three mutations.

    Args:
        seeds: whole files by name.
        number: which mutant; the same number always gives the same file.
        seed: another series of mutants.
    """
    rng = np.random.default_rng((seed, number))
    names = sorted(seeds)
    name = names[int(rng.integers(0, len(names)))]
    content = bytearray(seeds[name])
    mutations, weights = zip(*MUTATIONS, strict=True)
    for index in rng.choice(len(mutations), int(rng.integers(1, 4)), p=weights):
        if len(content) > 8:
            mutations[index](content, rng)
    return f"{number:05}-{name}", bytes(content)
