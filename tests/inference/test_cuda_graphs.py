from collections.abc import Callable, Hashable
from dataclasses import dataclass
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from darkroom.inference.cuda_graphs import MOST, Graphs, Recording, Tensors, Watch, Work, record

ONE = (torch.ones(2),)


@dataclass(frozen=True)
class Graph:
    """Stands in for torch's: does the work again."""

    again: Callable[[], None]

    def replay(self) -> None:
        self.again()


class Notes:
    """Stands in for `record`, and notes what should be recorded and what is played."""

    def __init__(self, fails: bool = False) -> None:
        self.recorded: list[Recording | None] = []
        self.played = 0
        self.fails = fails

    def __call__(self, work: Work, inputs: Tensors, other: Recording | None) -> Recording:
        self.recorded.append(other)
        if self.fails:
            raise RuntimeError("operation not permitted when stream is capturing")
        places = tuple(torch.empty_like(tensor) for tensor in inputs)
        outputs = work(*places)

        def again() -> None:
            self.played += 1
            for place, made in zip(outputs, work(*places), strict=True):
                place.copy_(made)

        return Recording(Graph(again), places, outputs)  # type: ignore[arg-type]


def double(tensor: Tensor) -> Tensors:
    return (2 * tensor,)


def keys(graphs: Graphs, *order: Hashable) -> None:
    for key in order:
        (result,) = graphs(key, double, ONE)
        assert result.tolist() == [2, 2]


def test_the_second_time_in_a_row_is_recorded_and_then_played():
    notes = Notes()
    graphs = Graphs(notes)
    keys(graphs, "a")
    assert (len(notes.recorded), notes.played) == (0, 0)
    keys(graphs, "a", "a", "a")
    assert (len(notes.recorded), notes.played, len(graphs)) == (1, 4, 1)  # once to compare


def test_what_is_played_works_on_its_own_inputs():
    graphs = Graphs(Notes())
    values = [graphs("a", double, (torch.full((1,), value),))[0].item() for value in range(5)]
    assert values == [0, 2, 4, 6, 8]


def test_shapes_that_alternate_are_not_recorded():
    notes = Notes()
    keys(Graphs(notes), *"abababab")
    assert notes.recorded == []


def test_recordings_stay_while_another_is_made_and_share_its_memory():
    notes = Notes()
    graphs = Graphs(notes)
    keys(graphs, *"aabbabab")
    assert len(notes.recorded) == 2
    assert notes.recorded[0] is None
    assert notes.recorded[1] is not None


def test_the_one_not_played_for_longest_makes_room():
    notes = Notes()
    graphs = Graphs(notes)
    keys(graphs, *"aabbacc")
    assert len(notes.recorded) == MOST + 1
    keys(graphs, *"aacc")
    assert len(notes.recorded) == MOST + 1  # b had to go
    keys(graphs, *"bb")
    assert len(notes.recorded) == MOST + 2


def test_what_cannot_be_recorded_is_done_at_once_and_not_tried_again():
    notes = Notes(fails=True)
    keys(Graphs(notes), *"aaaaaa")
    assert len(notes.recorded) == 1


def test_a_recording_that_gives_something_else_is_not_used():
    notes = Notes()
    graphs = Graphs(notes)
    calls = iter(range(99))

    def counting(tensor: Tensor) -> Tensors:
        return (tensor + next(calls),)

    values = [graphs("a", counting, ONE)[0].tolist() for _ in range(4)]
    assert all(one != other for one, other in pairwise(values))
    assert (len(notes.recorded), len(graphs)) == (1, 0)


def test_nothing_is_recorded_without_a_recorder():
    keys(Graphs(None), *"aaaa")


@pytest.mark.parametrize(
    "waiting",
    [
        lambda tensor: (tensor * tensor.sum().item(),),
        lambda tensor: (tensor if tensor.all() else -tensor,),
        lambda tensor: (tensor[[1, 0]],),
        lambda tensor: (tensor[tensor > 0],),
        lambda tensor: (tensor + torch.tensor([1.0, 2.0]),),
    ],
)
def test_what_waits_for_the_device_is_never_recorded(waiting: Work):
    notes = Notes()
    graphs = Graphs(notes)
    for _ in range(4):
        (result,) = graphs("a", waiting, ONE)
        assert torch.equal(result, waiting(*ONE)[0])
    assert notes.recorded == []


def test_steps_are_watched_in_inference_too():
    with torch.inference_mode(), Watch() as watch:
        first = ONE[0] * 2
        assert not watch.waits
        float(first[0])
        assert watch.waits
    assert "aten.mul.Tensor" in watch.steps


def test_what_was_forgotten_starts_anew():
    notes = Notes()
    graphs = Graphs(notes)
    keys(graphs, *"aa")
    graphs.forget()
    keys(graphs, *"a")
    assert len(notes.recorded) == 1
    keys(graphs, *"a")
    assert notes.recorded == [None, None]


@pytest.mark.gpu
def test_a_gpu_plays_what_was_recorded(cuda: str) -> None:
    graphs = Graphs(record)
    with torch.inference_mode(), torch.cuda.stream(torch.cuda.Stream()):
        for value in range(6):
            for size in (3, 3, 5, 5):
                (result,) = graphs(size, double, (torch.full((size,), value, device=cuda),))
                assert result.tolist() == [2 * value] * size
    assert len(graphs) == 2


@pytest.mark.gpu
def test_work_that_looks_at_values_is_done_at_once(cuda: str) -> None:
    def looking(tensor: Tensor) -> Tensors:
        return (tensor * tensor.sum().item(),)

    graphs = Graphs(record)
    with torch.inference_mode(), torch.cuda.stream(torch.cuda.Stream()):
        for value in range(1, 5):
            (result,) = graphs("a", looking, (torch.full((2,), float(value), device=cuda),))
            assert result.tolist() == [2.0 * value**2] * 2
    assert len(graphs) == 0
