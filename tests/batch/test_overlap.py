"""Every wait is for an event, with a bound; nothing sleeps."""

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from darkroom.batch.ledger import Intend, Ledger
from darkroom.batch.outcome import Outcome, Seen
from darkroom.batch.overlap import Dropped, Naming, overlapped
from darkroom.batch.plan import Job
from darkroom.batch.records import Run
from darkroom.batch.run import StopRules, run_jobs
from darkroom.batch.steps import Steps
from darkroom.errors import (
    DarkroomError,
    EnvironmentProblem,
    FailureCode,
    FileProblem,
    StoppedEarly,
)
from darkroom.publish import Published, publish

LIMIT = 20.0  # seconds after which what should have happened will not happen
STAGES = ("read", "compute", "write")
GONE = EnvironmentProblem("the device is gone")


@dataclass(frozen=True)
class Note:
    warnings: tuple[str, ...] = ()
    suspect: bool = False
    seen: Seen | None = None
    published: Published | None = None

    def record(self) -> dict[str, object]:
        return {}


class Frame:
    """What the steps hand on; counts how many jobs have one in memory."""

    alive: ClassVar[Counter[str]] = Counter()
    most = 0
    lock = threading.RLock()

    def __init__(self, job: Job) -> None:
        self.job = job
        with Frame.lock:
            Frame.alive[job.source.name] += 1
            Frame.most = max(Frame.most, len(+Frame.alive))

    def __del__(self) -> None:
        with Frame.lock:
            Frame.alive[self.job.source.name] -= 1


Act = Callable[[], object]


class Recipe:
    """Writes the name of a job's source; `acts` say what else happens at a stage of a job.

    An act "named" comes when the job's file has got its name.
    """

    def __init__(self, acts: dict[tuple[str, int], Act], readers: int, writers: int) -> None:
        self.acts, self.readers, self.writers = acts, readers, writers
        self.begun: list[tuple[str, int]] = []
        self.threads: dict[str, set[threading.Thread]] = {stage: set() for stage in STAGES}
        self.abandoned = threading.Event()
        self.opened = self.closed = 0

    @contextmanager
    def prepare(self, intend: Intend) -> Iterator[Steps[Frame, Frame, Note]]:
        self.opened += 1
        try:
            yield Steps(
                [self.read] * self.readers,
                self.compute,
                lambda frame: self.write(frame, intend),
                self.writers,
                self.abandoned.set,
            )
        finally:
            self.closed += 1

    def act(self, stage: str, job: Job) -> None:
        self.begun.append((stage, int(job.source.stem)))
        self.threads.setdefault(stage, set()).add(threading.current_thread())
        self.acts.get(self.begun[-1], self.acts.get((stage, -1), bool))()

    def read(self, job: Job) -> Frame:
        self.act("read", job)
        return Frame(job)

    def compute(self, frame: Frame) -> Frame:
        self.act("compute", frame.job)
        return Frame(frame.job)

    def write(self, frame: Frame, intend: Intend) -> Note:
        self.act("write", frame.job)
        published = publish(
            frame.job.target,
            lambda file: file.write(frame.job.source.name.encode()),
            overwrite=False,
            before_naming=lambda published: intend(frame.job, None, published),
        )
        self.act("named", frame.job)
        return Note(published=published)


Make = Callable[..., Recipe]


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes recipes; afterwards their threads are gone and nothing holds a frame."""
    made: list[Recipe] = []
    before = {*threading.enumerate()}
    Frame.alive.clear()
    Frame.most = 0

    def make(
        acts: dict[tuple[str, int], Act] | None = None, *, readers: int = 1, writers: int = 1
    ) -> Recipe:
        made.append(Recipe(acts or {}, readers, writers))
        return made[-1]

    yield make
    assert {*threading.enumerate()} <= before
    assert all(recipe.opened == recipe.closed for recipe in made)


def raising(error: BaseException) -> Act:
    def fail() -> None:
        raise error

    return fail


def waiting(event: threading.Event) -> Act:
    def wait() -> None:
        assert event.wait(LIMIT)

    return wait


def jobs_in(folder: Path, count: int) -> list[Job]:
    names = [Path(f"{n}.ARW") for n in range(count)]
    return [Job(folder / n, folder / f"{n}.tif", folder, n) for n in names]


Outcomes = Generator[Outcome[Note], None, None]


def started(recipe: Recipe, jobs: list[Job], **options: bool) -> Outcomes:
    return overlapped(recipe.prepare, lambda *_: None, **options)(iter(jobs))


def told(
    running: Iterator[Outcome[Note]], error: type[DarkroomError] | None = None
) -> tuple[str, list[str]]:
    """Return the statuses of a batch and the numbers of its jobs, in order."""
    outcomes: list[Outcome[Note]] = []
    try:
        for outcome in running:
            outcomes.append(outcome)
    except DarkroomError as ending:
        assert type(ending) is error
    else:
        assert error is None
    return (
        " ".join(outcome.status for outcome in outcomes),
        [outcome.source.stem for outcome in outcomes],
    )


def files_in(folder: Path) -> list[str]:
    """Return what the folder holds, hidden files too."""
    return sorted(path.name for path in folder.iterdir())


def named(*numbers: int) -> list[str]:
    return [f"{number}.ARW.tif" for number in numbers]


@pytest.mark.parametrize(("readers", "writers"), [(1, 1), (1, 3), (3, 1), (4, 4)])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 9])
def test_every_job_is_done_once_and_told_in_order(
    readers: int, writers: int, count: int, tmp_path: Path, make: Make
) -> None:
    recipe = make(readers=readers, writers=writers)
    outcomes = list(started(recipe, jobs_in(tmp_path, count)))
    assert [outcome.source.name for outcome in outcomes] == [f"{n}.ARW" for n in range(count)]
    assert {outcome.status for outcome in outcomes} <= {"ok"}
    assert Counter(recipe.begun) == {
        (stage, n): 1 for n in range(count) for stage in (*STAGES, "named")
    }
    assert files_in(tmp_path) == named(*range(count))
    assert recipe.opened == (count > 0)


def test_the_next_file_is_read_and_the_last_one_written_while_this_one_is_computed(
    tmp_path: Path, make: Make
) -> None:
    is_read, is_named = threading.Event(), threading.Event()

    def wait_for_both() -> None:
        waiting(is_read)()
        waiting(is_named)()
        assert files_in(tmp_path) == named(0)

    acts = {
        ("read", 2): is_read.set,
        ("named", 0): is_named.set,
        ("compute", 1): wait_for_both,
    }
    assert told(started(make(acts), jobs_in(tmp_path, 4)))[0] == "ok ok ok ok"


def test_the_calling_thread_computes_and_nothing_else(tmp_path: Path, make: Make) -> None:
    recipe = make(readers=2)
    told(started(recipe, jobs_in(tmp_path, 5)))
    assert recipe.threads["compute"] == {threading.current_thread()}
    assert threading.current_thread() not in recipe.threads["read"] | recipe.threads["write"]
    assert not recipe.threads["read"] & recipe.threads["write"]


@pytest.mark.parametrize(("count", "saves_memory"), [(1, False), (4, True)])
def test_single_jobs_and_scarce_memory_need_no_threads(
    count: int, saves_memory: bool, tmp_path: Path, make: Make
) -> None:
    recipe = make()
    running = started(recipe, jobs_in(tmp_path, count), saves_memory=saves_memory)
    assert told(running)[0] == " ".join(["ok"] * count)
    assert set().union(*recipe.threads.values()) == {threading.current_thread()}
    assert Frame.most == 1


@pytest.mark.parametrize(("readers", "writers"), [(1, 1), (2, 3)])
def test_memory_holds_one_file_for_each_thread(
    readers: int, writers: int, tmp_path: Path, make: Make
) -> None:
    """The computing thread waits until as much is read and unwritten as ever can be."""
    full = threading.Barrier(readers + 1)
    first = range(1, 1 + readers)
    acts: dict[tuple[str, int], Act] = {("read", n): lambda: full.wait(LIMIT) for n in first}
    acts["compute", 0] = lambda: full.wait(LIMIT)
    told(started(make(acts, readers=readers, writers=writers), jobs_in(tmp_path, 12)))
    assert 1 + readers <= Frame.most <= readers + 1 + writers
    assert not +Frame.alive


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(
    ("error", "code"),
    [
        (FileProblem(FailureCode.TRUNCATED, "ends at 7"), FailureCode.TRUNCATED),
        (MemoryError(), FailureCode.OOM_HOST),
        (ZeroDivisionError(), FailureCode.INTERNAL),
    ],
)
def test_a_failure_at_any_stage_is_its_files_alone(
    stage: str, error: Exception, code: FailureCode, tmp_path: Path, make: Make
) -> None:
    recipe = make({(stage, 1): raising(error), (stage, 3): raising(error)})
    outcomes = list(run_jobs(jobs_in(tmp_path, 5), overlapped(recipe.prepare, lambda *_: None)))
    assert [outcome.code for outcome in outcomes] == [None, code, None, code, None]
    assert bool(outcomes[1].trace) == (code is FailureCode.INTERNAL)
    assert files_in(tmp_path) == named(0, 2, 4)
    done = {number for begun, number in recipe.begun if begun == "named"}
    assert done == {0, 2, 4}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("writers", [1, 3])
def test_an_error_of_the_whole_run_comes_after_what_was_computed_before(
    stage: str, writers: int, tmp_path: Path, make: Make
) -> None:
    recipe = make({(stage, 2): raising(GONE)}, writers=writers)
    running = run_jobs(jobs_in(tmp_path, 6), overlapped(recipe.prepare, lambda *_: None))
    statuses, numbers = told(running, EnvironmentProblem)
    assert statuses == "ok ok cancelled cancelled cancelled cancelled"
    assert numbers == [*"012345"]
    assert files_in(tmp_path) == named(0, 1)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("writers", [1, 3])
@pytest.mark.parametrize("code", [FailureCode.WRITE_SPACE, FailureCode.TRUNCATED])
def test_nothing_is_published_after_a_stop(
    stage: str, writers: int, code: FailureCode, tmp_path: Path, make: Make
) -> None:
    recipe = make({(stage, 2): raising(FileProblem(code, "no more"))}, writers=writers)
    attempts = overlapped(recipe.prepare, lambda *_: None)
    rules = StopRules(0 if code is FailureCode.WRITE_SPACE else 1)
    running = run_jobs(jobs_in(tmp_path, 8), attempts, rules=rules)
    statuses, numbers = told(running, StoppedEarly)
    assert statuses == "ok ok failed" + 5 * " cancelled"
    assert numbers == [*"01234567"]
    assert files_in(tmp_path) == named(0, 1)


@pytest.mark.parametrize("writers", [1, 3])
def test_ctrl_c_in_the_network_keeps_what_is_computed(
    writers: int, tmp_path: Path, make: Make
) -> None:
    recipe = make({("compute", 2): raising(KeyboardInterrupt())}, writers=writers)
    running = run_jobs(jobs_in(tmp_path, 5), overlapped(recipe.prepare, lambda *_: None))
    assert told(running) == ("ok ok cancelled cancelled cancelled", [*"01234"])
    assert files_in(tmp_path) == named(0, 1)
    assert recipe.abandoned.is_set()


needs_signals = pytest.mark.skipif(os.name == "nt", reason="Ctrl-C does not end waits there")


@needs_signals
def test_ctrl_c_ends_the_wait_for_a_file_that_is_read(tmp_path: Path, make: Make) -> None:
    recipe, is_named = make(), threading.Event()

    def interrupt() -> None:  # in the middle of a file that would take for ever
        waiting(is_named)()
        os.kill(os.getpid(), signal.SIGINT)
        waiting(recipe.abandoned)()

    recipe.acts["named", 0] = is_named.set
    recipe.acts["read", 1] = interrupt
    running = run_jobs(jobs_in(tmp_path, 3), overlapped(recipe.prepare, lambda *_: None))
    assert told(running) == ("ok cancelled cancelled", [*"012"])
    assert files_in(tmp_path) == named(0)


@needs_signals
def test_ctrl_c_lets_a_file_that_is_written_be_finished(tmp_path: Path, make: Make) -> None:
    recipe = make()

    def interrupt() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        waiting(recipe.abandoned)()

    recipe.acts["named", 2] = interrupt  # the last: the calling thread waits for it
    running = run_jobs(jobs_in(tmp_path, 3), overlapped(recipe.prepare, lambda *_: None))
    assert told(running) == ("ok ok ok", [*"012"])
    assert files_in(tmp_path) == named(0, 1, 2)


@pytest.mark.parametrize(("readers", "writers"), [(1, 1), (3, 3)])
@pytest.mark.parametrize("pulled", [0, 1, 2, 3])
def test_who_stops_pulling_has_heard_of_every_file_that_is_there(
    pulled: int, readers: int, writers: int, tmp_path: Path, make: Make
) -> None:
    recipe = make(readers=readers, writers=writers)
    running = started(recipe, jobs_in(tmp_path, 9))
    numbers = [next(running).source.stem for _ in range(pulled)]
    running.close()
    assert numbers == [str(n) for n in range(pulled)]
    assert files_in(tmp_path) == named(*range(pulled))


def test_closing_early_ends_every_thread_whatever_it_is_at(tmp_path: Path, make: Make) -> None:
    recipe = make(readers=2, writers=2)
    is_writing = threading.Event()
    recipe.acts["read", 3] = waiting(recipe.abandoned)
    recipe.acts["compute", 2] = waiting(is_writing)
    recipe.acts["write", 1] = is_writing.set
    running = started(recipe, jobs_in(tmp_path, 9))
    assert next(running).source.stem == "0"
    running.close()
    assert files_in(tmp_path) == named(0)
    assert recipe.closed == 1


def test_no_intention_is_noted_while_an_outcome_is_told(tmp_path: Path, make: Make) -> None:
    is_telling = False
    noted = []

    def intend(job: Job, seen: Seen | None, published: Published) -> None:
        assert not is_telling
        noted.append(job.source.stem)

    running = overlapped(make(writers=3).prepare, intend)(iter(jobs_in(tmp_path, 9)))
    heard = []
    for outcome in running:
        is_telling = True
        heard.append(outcome.source.stem)
        assert noted == heard  # named one by one, each told of before the next
        is_telling = False
    assert heard == [*"012345678"]


def test_failures_are_counted_in_the_order_of_the_jobs(tmp_path: Path, make: Make) -> None:
    bad = raising(FileProblem(FailureCode.EMPTY, "empty"))
    recipe = make({("read", n): bad for n in range(1, 30)}, readers=4)
    attempts = overlapped(recipe.prepare, lambda *_: None)
    statuses, numbers = told(run_jobs(jobs_in(tmp_path, 30), attempts), StoppedEarly)
    assert statuses.count("failed") == 21
    assert numbers == [str(n) for n in range(30)]


def test_times_leave_out_the_waiting(tmp_path: Path, make: Make) -> None:
    is_computed = threading.Event()
    acts = {("compute", 2): lambda: is_computed.wait(0.1)}
    outcomes = list(started(make(acts), jobs_in(tmp_path, 5)))
    assert outcomes[2].seconds > 0.09
    assert sum(outcome.seconds for outcome in outcomes if outcome is not outcomes[2]) < 0.2


def test_a_ledger_remembers_what_was_done_beside_the_network(tmp_path: Path, make: Make) -> None:
    jobs = jobs_in(tmp_path, 6)
    for job in jobs:
        job.source.write_bytes(b"x")
    recipe = make({("write", 3): raising(FileProblem(FailureCode.BLACK, "black"))}, writers=2)
    ledger = Ledger(Run("copy"))
    attempts = overlapped(recipe.prepare, ledger.intend)
    told(run_jobs(jobs, attempts, settled=ledger.settled, remember=ledger.remember))
    ledger.close()
    (path,) = ledger.paths
    lines = path.read_text().splitlines()
    assert [line.count('"status": "writing"') for line in lines].count(1) == 5
    assert [line.count('"status": "ok"') for line in lines].count(1) == 5


def test_a_file_waits_for_its_turn_to_be_named(tmp_path: Path) -> None:
    jobs, seen = jobs_in(tmp_path, 2), []
    naming = Naming(lambda job, *_: seen.append(job.source.stem))
    ended: list[type[Exception]] = []

    def intend(job: Job) -> None:
        try:
            naming.intend(job, None, Published(0, ""))
        except Dropped:
            ended.append(Dropped)

    threads = [threading.Thread(target=intend, args=(job,)) for job in jobs]
    for thread, job in zip(threads, jobs, strict=True):
        naming.add(job.target)
        thread.start()
    naming.allow(jobs[1].target)
    naming.allow(jobs[1].target.with_name("unheard of"))
    threads[1].join(LIMIT)
    assert seen == ["1"]
    naming.end()
    threads[0].join(LIMIT)
    assert (seen, ended) == (["1"], [Dropped])


def test_what_cannot_be_prepared_concerns_the_whole_run(tmp_path: Path) -> None:
    @contextmanager
    def prepare(intend: Intend) -> Iterator[Steps[Any, Any, Note]]:
        raise GONE
        yield

    running = run_jobs(jobs_in(tmp_path, 2), overlapped(prepare, lambda *_: None))
    assert told(running, EnvironmentProblem)[0] == "cancelled cancelled"
