"""Precisions by name: what autocast computes in, and the scaler that fp16 needs.

Half precision (fp16) cannot hold small gradients, so the loss is scaled up and the gradients down
again (Micikevicius et al. 2018, "Mixed Precision Training"); bfloat16 has the range of float32.
"""

import torch
from torch.amp.grad_scaler import GradScaler

from darkroom.errors import UsageProblem
from darkroom.learning.config import TrainingSection

HALVES = {"bf16": torch.bfloat16, "fp16": torch.float16}  # fp32 needs no autocast
SMALLEST_SCALE = 1.0  # an overflow at this scale is none of the scaler's


def check_precision(training: TrainingSection) -> None:
    """Refuse what the device cannot do.

    Raises:
        UsageProblem: fp16 without a GPU.
    """
    if training.precision == "fp16" and not training.device.startswith("cuda"):
        raise UsageProblem(
            'training.precision = "fp16" needs a GPU (training.device = "cuda"); '
            'use "bf16" or "fp32"'
        )


def autocast(training: TrainingSection) -> torch.autocast:
    """Return the context in which the network runs."""
    half = HALVES.get(training.precision)
    device = training.device.split(":", maxsplit=1)[0]
    return torch.autocast(device, half or torch.bfloat16, enabled=half is not None)


def make_scaler(training: TrainingSection) -> GradScaler:
    """Return the scaler of the loss; it passes everything through unless fp16 is asked for."""
    device = training.device.split(":", maxsplit=1)[0]
    return GradScaler(device, enabled=training.precision == "fp16")


def is_overflow(scaler: GradScaler) -> bool:
    """Whether gradients that are not finite may be the scale's fault, which then gets smaller."""
    return scaler.is_enabled() and scaler.get_scale() > SMALLEST_SCALE
