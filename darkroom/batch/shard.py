"""Shares of one batch for machines that work on it together, without a word between them."""

import hashlib
import os
import re
import unicodedata
from dataclasses import dataclass

from darkroom.batch.plan import Job
from darkroom.errors import UsageProblem


@dataclass(frozen=True, slots=True)
class Shard:
    """One share of a batch.

    Attributes:
        index: which share, from 1.
        count: how many shares there are.
    """

    index: int
    count: int


def parse_shard(text: str) -> Shard:
    """Read --shard.

    >>> parse_shard("2/8")
    Shard(index=2, count=8)

    Raises:
        UsageProblem: it is no share, such as 0/8 or 9/8.
    """
    match = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
    shard = Shard(int(match[1]), int(match[2])) if match else Shard(0, 0)
    if not 1 <= shard.index <= shard.count:
        raise UsageProblem(
            f"--shard takes a share and how many there are, such as 1/8 to 8/8, not '{text}'"
        )
    return shard


def in_shard(job: Job, shard: Shard) -> bool:
    """Whether a job belongs to a share: decided by its place alone, so alike on all machines.

    Every job belongs to exactly one of the shares 1/n to n/n; they are about equally large.
    """
    return _number(job) % shard.count == shard.index - 1


def _number(job: Job) -> int:
    name = os.fsencode(job.below.as_posix()).decode("utf-8", "surrogateescape")
    composed = unicodedata.normalize("NFC", name)  # a Mac may show another Unicode form
    place = composed.encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.blake2b(place, digest_size=8).digest(), "big")
