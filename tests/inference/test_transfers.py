import numpy as np
import pytest
import torch

from darkroom.inference.transfers import Transfers


def test_on_a_cpu_arrays_are_copied_and_nothing_is_waited_for():
    counts = np.arange(6, dtype=np.int16).reshape(2, 3)
    arriving = Transfers("cpu").upload(counts, counts[:, ::2])
    counts[:] = 0
    first, second = arriving.here()
    assert first.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert second.tolist() == [[0, 2], [3, 5]]


def test_read_only_arrays_may_be_sent():
    array = np.ones(3, np.float32)
    array.flags.writeable = False
    (tensor,) = Transfers("cpu").upload(array).here()
    assert tensor.tolist() == [1, 1, 1]


def test_what_leaves_is_an_array():
    transfers = Transfers("cpu")
    with transfers.computing():
        leaving = transfers.download(torch.arange(4, dtype=torch.int16))
    assert leaving.array().tolist() == [0, 1, 2, 3]


@pytest.mark.gpu
def test_a_gpu_gives_back_what_it_was_sent(cuda: str) -> None:
    transfers = Transfers(cuda)
    sent = [np.random.default_rng(seed).integers(0, 99, (500, 700), np.int16) for seed in range(8)]
    leaving = []
    for array in sent:  # many under way at once, each in memory of its own
        arriving = transfers.upload(array)
        with transfers.computing():
            (tensor,) = arriving.here()
            leaving.append(transfers.download(tensor + 1))
    for array, back in zip(sent, leaving, strict=True):
        assert np.array_equal(back.array(), array + 1)


@pytest.mark.gpu
def test_memory_of_arrays_that_are_still_held_is_not_used_again(cuda: str) -> None:
    transfers = Transfers(cuda)

    def back(value: int) -> np.ndarray:
        with transfers.computing():
            return transfers.download(torch.full((999,), value, device=cuda)).array()

    held = [back(value) for value in range(5)]
    assert [int(array[0]) for array in held] == list(range(5))
