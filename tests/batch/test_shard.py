import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from darkroom.batch.plan import Job, single_job
from darkroom.batch.shard import Shard, in_shard, parse_shard
from darkroom.errors import UsageProblem


def job_at(place: str | bytes) -> Job:
    below = Path(os.fsdecode(place))
    return Job(Path("card") / below, Path("out") / below, Path("out"), below)


def shards_of(job: Job, count: int) -> list[int]:
    return [index for index in range(1, count + 1) if in_shard(job, Shard(index, count))]


def test_a_share_is_read() -> None:
    assert [parse_shard(text) for text in ("1/1", "2/8", "8/8")] == [
        Shard(1, 1),
        Shard(2, 8),
        Shard(8, 8),
    ]


@pytest.mark.parametrize(
    "text", ["", "2", "0/8", "9/8", "1/0", "-1/8", "1/-8", "1 / 8", "1/8/2", "a/b", "1/8\n", "٢/٨"]
)
def test_what_is_no_share_is_wrong_use(text: str) -> None:
    with pytest.raises(UsageProblem, match="--shard"):
        parse_shard(text)


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_every_job_belongs_to_exactly_one_share(count: int) -> None:
    for number in range(200):
        assert len(shards_of(job_at(f"day/{number}.ARW"), count)) == 1


def test_shares_are_about_equally_large() -> None:
    sizes = Counter(shards_of(job_at(f"DSC{number:05}.ARW"), 8)[0] for number in range(4000))
    assert len(sizes) == 8
    assert min(sizes.values()) > 400
    assert max(sizes.values()) < 600


def test_only_the_place_below_what_was_asked_for_decides() -> None:
    for number in range(50):
        below = Path("day") / f"{number}.ARW"
        here = Job(Path("a") / below, Path("x") / below, Path("x"), below)
        there = Job(Path("b") / below, Path("b") / below, Path("b"), below)
        assert shards_of(here, 7) == shards_of(there, 7)


def test_shares_never_change() -> None:
    places = ["a.ARW", "day/b.ARW", b"\xff.ARW", "Zo\u00eb.ARW", "new\nline.ARW"]
    assert [shards_of(job_at(place), 1000)[0] for place in places] == [441, 759, 539, 413, 797]


def test_both_unicode_forms_of_a_name_belong_to_one_share() -> None:
    forms = ["Zo\u00eb.ARW", "Zoe\u0308.ARW"]
    assert len({shards_of(job_at(name), 1000)[0] for name in forms}) == 1


@pytest.mark.parametrize("place", ["Zo\u00eb.ARW".encode(), b"\xff\xfe.ARW"])
def test_neither_hash_seed_nor_locale_changes_a_share(place: bytes) -> None:
    code = (
        "import os, sys; from pathlib import Path; from darkroom.batch.plan import single_job;"
        "from darkroom.batch.shard import Shard, in_shard;"
        "job = single_job(Path(sys.argv[1]), Path('x'));"
        "print(*[n for n in range(1, 101) if in_shard(job, Shard(n, 100))])"
    )
    expected = shards_of(single_job(Path(os.fsdecode(place)), Path("x")), 100)
    for seed, locale in (("1", "C"), ("2", "C.UTF-8")):
        ended = subprocess.run(
            [os.fsencode(sys.executable), b"-c", code.encode(), place],
            env={**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": locale, "PYTHONUTF8": "0"},
            capture_output=True,
            check=True,
        )
        assert [int(ended.stdout)] == expected
