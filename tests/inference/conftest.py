import pytest
import torch


@pytest.fixture
def cuda() -> str:
    """A GPU; tests that ask for it are skipped without one."""
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    return "cuda"
