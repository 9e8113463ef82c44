from darkroom.cli.options import Device
from darkroom.inference.engine import choose_device


def test_the_inference_room_knows_the_devices_that_need_no_hardware() -> None:
    for device in (Device.AUTO, Device.CPU):
        assert choose_device(device.value) in {"cpu", "cuda"}
