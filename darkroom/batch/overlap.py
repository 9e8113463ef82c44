"""Keep the network busy: while it works on a file, read the next one and write the last one.

Outcomes come in the order of the jobs. A file gets its name only while this generator runs, after
all before it were told of, and is told of next: whoever stops pulling has heard of every file that
is there. A file that has no name by then never gets one.

Threads speak through `SimpleQueue` alone. Ctrl-C may strike between any two lines of Python's
other means (`Condition`, `Future`) and leave a lock shut for good.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager
from functools import partial
from itertools import chain, islice
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeAlias

from darkroom.batch.ledger import Intend
from darkroom.batch.outcome import Outcome, R, Seen, Underway, begin, carry_on, conclude
from darkroom.batch.plan import Job
from darkroom.batch.run import Attempts, one_by_one
from darkroom.batch.steps import Steps
from darkroom.publish import Published

# Opens the steps of a recipe for the time of a run, given what files tell before they are named.
PrepareSteps: TypeAlias = Callable[[Intend], AbstractContextManager[Steps[Any, Any, R]]]
Part: TypeAlias = Underway[Any] | Outcome[Any]


class Dropped(Exception):
    """The run is over: the file must not get its name any more."""


class Naming:
    """Lets a file get its name when its turn has come.

    Args:
        intend: is told of the file just before.
    """

    def __init__(self, intend: Intend) -> None:
        self._intend = intend
        self._turns: dict[Path, SimpleQueue[bool]] = {}

    def intend(self, job: Job, seen: Seen | None, published: Published) -> None:
        """Wait until it is the job's turn, and pass on what it intends.

        Raises:
            Dropped: its turn does not come any more.
            FileProblem: the intention cannot be noted.
        """
        if not self._turns[job.target].get():
            raise Dropped
        self._intend(job, seen, published)

    def add(self, target: Path) -> None:
        """Expect a file that is to be written."""
        self._turns[target] = SimpleQueue()

    def allow(self, target: Path) -> None:
        """Let a file get its name, if it is expected."""
        if target in self._turns:
            self._turns[target].put(True)

    def forget(self, target: Path) -> None:
        """Expect a file no more."""
        self._turns.pop(target, None)

    def end(self) -> None:
        """Let no file get its name that has not been allowed to."""
        for turn in self._turns.values():
            turn.put(False)


class Task:
    """What a thread is to work on, and afterwards what became of it.

    Args:
        given: what the thread's function takes.
    """

    def __init__(self, given: object) -> None:
        self._given: object | None = given
        self._made: Any = None
        self._error: BaseException | None = None
        self.is_done = False

    def run(self, work: Callable[[Any], object]) -> None:
        """Do the work, in whatever thread this is."""
        try:
            self._made = work(self._given)
        except BaseException as error:
            self._error = error
        self._given = None  # it may be large
        self.is_done = True

    def result(self) -> Any:
        """Return what the work made, or raise what it raised."""
        if self._error is not None:
            raise self._error
        return self._made


class Crew:
    """The threads that read and write beside the network.

    They live until all is over: a decoder process ends with the thread that started it.

    Args:
        steps: what is done to a file.
        naming: ends with the crew.
    """

    def __init__(self, steps: Steps[Any, Any, Any], naming: Naming) -> None:
        self.steps, self.naming = steps, naming
        self._is_over = False
        self._news: SimpleQueue[None] = SimpleQueue()  # a task is done
        self._to_read: SimpleQueue[Task | None] = SimpleQueue()
        self._to_write: SimpleQueue[Task | None] = SimpleQueue()
        reading = [partial(self._serve, self._to_read, partial(_read, r)) for r in steps.readers]
        writing = [partial(self._serve, self._to_write, partial(_write, steps.write))]
        works = reading + writing * steps.writers
        self._threads = [Thread(target=work, daemon=True) for work in works]

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *_: object) -> None:
        """Drop what is in work and wait for the threads to end."""
        self._is_over = True
        self.naming.end()
        self.steps.abandon()
        for thread in self._threads:
            if thread.is_alive():
                self._to_read.put(None)
                self._to_write.put(None)
        for thread in self._threads:
            if thread.is_alive():
                thread.join()

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def read(self, job: Job) -> Task:
        """Have a file read."""
        task = Task(job)
        self._to_read.put(task)
        return task

    def write(self, part: Part) -> Task:
        """Have a file written, unless it has failed already."""
        task = Task(part)
        if isinstance(part, Outcome):
            task.run(lambda outcome: outcome)
        else:
            self.naming.add(part.job.target)
            self._to_write.put(task)
        return task

    def wait_for(self, task: Task) -> Any:
        """Wait until a task is done and return what it made, or raise what it raised."""
        while not task.is_done:
            self._news.get()
        return task.result()

    def _serve(self, tasks: "SimpleQueue[Task | None]", work: Callable[[Any], object]) -> None:
        while (task := tasks.get()) is not None:
            if not self._is_over:
                task.run(work)
            del task  # it may hold a frame, and the next one may be long in coming
            self._news.put(None)


def _read(reader: Callable[[Job], object], job: Job) -> Part:
    return carry_on(begin(job), reader)


def _write(write: Callable[[Any], Any], part: Underway[Any]) -> Outcome[Any]:
    done = carry_on(part, write)
    return done if isinstance(done, Outcome) else conclude(done)


def overlapped(
    prepare: PrepareSteps[R], intend: Intend, *, saves_memory: bool = False
) -> Attempts[R]:
    """Return attempts that read, compute and write different files at the same time.

    This thread computes. Beside the file it works on, memory holds one for each reader and one
    for each writer. A single job is done step by step.

    Where a file meets an error that concerns the whole run, and at Ctrl-C, the files that were
    computed before are written and told of first.

    Args:
        prepare: opens the steps, once there is a job.
        intend: is told of files about to get their names, never while an outcome is being told.
        saves_memory: do several jobs like a single one, too.
    """

    def attempts(jobs: Iterator[Job]) -> Generator[Outcome[R], None, None]:
        first = [*islice(jobs, 2)]
        if saves_memory or len(first) < 2:
            yield from one_by_one(partial(prepare, intend))(chain(first, jobs))
            return
        naming = Naming(intend)
        with prepare(naming.intend) as steps, Crew(steps, naming) as crew:
            crew.start()
            yield from _worked_off(chain(first, jobs), crew)

    return attempts


def _worked_off(jobs: Iterator[Job], crew: Crew) -> Iterator[Outcome[Any]]:
    behind: deque[tuple[Job, Task]] = deque()
    try:
        for job, part in _computed(jobs, crew):
            yield from _told(behind, crew, still_written=crew.steps.writers - 1)
            behind.append((job, crew.write(part)))
            crew.naming.allow(behind[0][0].target)
            del part  # it may be large
        yield from _told(behind, crew)
    except GeneratorExit:
        raise
    except BaseException:
        crew.steps.abandon()
        yield from _told(behind, crew)
        raise


def _computed(jobs: Iterator[Job], crew: Crew) -> Iterator[tuple[Job, Part]]:
    """Yield the jobs as far as they are computed; the next ones are read meanwhile."""
    ahead = deque((job, crew.read(job)) for job in islice(jobs, len(crew.steps.readers)))
    while ahead:
        job, reading = ahead.popleft()
        part: Part = crew.wait_for(reading)
        del reading
        ahead.extend((after, crew.read(after)) for after in islice(jobs, 1))
        if isinstance(part, Underway):
            part = carry_on(part, crew.steps.compute)
        yield job, part
        del part


def _told(
    behind: deque[tuple[Job, Task]], crew: Crew, still_written: int = 0
) -> Iterator[Outcome[Any]]:
    """Tell of the first files, as long as they are done or more are written than allowed."""
    while behind:
        job, writing = behind[0]
        crew.naming.allow(job.target)
        if not writing.is_done and sum(not task.is_done for _, task in behind) <= still_written:
            return
        yield crew.wait_for(writing)
        behind.popleft()
        crew.naming.forget(job.target)
