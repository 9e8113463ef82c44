import os

from darkroom.batch.plan import single_job
from darkroom.batch.steps import MOST_THREADS, Steps, threads_beside


def test_a_call_does_one_step_after_the_other(tmp_path) -> None:
    job = single_job(tmp_path / "a", tmp_path / "b")
    steps = Steps([lambda job: [job]], lambda frame: [*frame, "made"], tuple)
    assert steps(job) == (job, "made")
    assert steps.abandon() is None


def test_a_gpu_is_fed_by_more_threads_and_a_cpu_is_not_disturbed() -> None:
    assert threads_beside("cpu") == 1
    assert threads_beside("cuda:1") == min(MOST_THREADS, os.cpu_count() or 1)
