import pytest
import torch

from darkroom.inference.devices import Gpu, gpus, processor


def test_the_processor_has_cores_and_threads() -> None:
    found = processor()
    assert found.cores >= 1
    assert found.threads == torch.get_num_threads()


def test_a_machine_without_a_usable_gpu_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpus() == []


def test_every_gpu_is_named_with_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda index: (index + 1, 10))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: f"device {index}")
    assert gpus() == [Gpu("device 0", 10, 1), Gpu("device 1", 10, 2)]
