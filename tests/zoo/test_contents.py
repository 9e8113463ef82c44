import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from darkroom.errors import EnvironmentProblem, UsageProblem
from darkroom.zoo import contents, weights
from darkroom.zoo.contents import contents_for, parse_arrays, read_contents
from darkroom.zoo.header import read_card


def test_a_file_is_read_whole(tiny: Path) -> None:
    found = read_contents(tiny)
    assert found.card == read_card(tiny)
    assert found.blob == tiny.read_bytes()
    loaded = weights.load_weights(tiny).tensors
    assert found.tensors.keys() == loaded.keys()
    assert all(np.array_equal(found.tensors[name], loaded[name].numpy()) for name in loaded)


def test_weights_for_another_task_are_refused(tiny: Path) -> None:
    assert contents_for("enhance", str(tiny)).card == read_card(tiny)
    with pytest.raises(UsageProblem, match="darkroom enhance"):
        contents_for("colorize", str(tiny))


def test_a_changed_tensor_is_noticed(tiny: Path) -> None:
    blob = bytearray(tiny.read_bytes())
    blob[-1] ^= 1
    tiny.write_bytes(blob)
    with pytest.raises(EnvironmentProblem, match="sha256"):
        read_contents(tiny)


def test_the_digest_is_that_of_the_tensors_as_torch_has_them(tiny: Path) -> None:
    found = read_contents(tiny)
    assert contents.digest(found.card, found.tensors) == found.card.sha256
    tensors = weights.load_weights(tiny).tensors
    assert weights.digest(found.card, tensors) == found.card.sha256


def test_other_types_are_no_weights() -> None:
    header = b'{"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}'
    header += b" " * (-len(header) % 8)
    blob = len(header).to_bytes(8, "little") + header + bytes(8)
    with pytest.raises(EnvironmentProblem, match="type I64"):
        parse_arrays(blob, "numbers")


def test_reading_loads_nothing_that_computes(tiny: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from darkroom.zoo.contents import read_contents;"
        "read_contents(Path(sys.argv[1])); assert not {'torch', 'openvino'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script, str(tiny)], check=True)
