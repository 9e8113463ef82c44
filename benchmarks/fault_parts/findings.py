"""What a part of the fault benchmark hands back."""

from dataclasses import dataclass, field


@dataclass
class Findings:
    """Numbers for the table, and every promise that did not hold.

    Attributes:
        numbers: what was counted or measured, by name.
        broken: one sentence for each promise that did not hold; empty is success.
    """

    numbers: dict[str, object] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
