"""What people and scripts read of `darkroom doctor`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from darkroom import __version__
from darkroom.batch.records import VERSION
from darkroom.report.models import write_columns

if TYPE_CHECKING:
    from darkroom.doctor import Finding, Status


def write_findings(findings: Sequence["Finding"]) -> None:
    """Write a line a finding to the standard output: status, topic, what is so and what to do."""
    write_columns([(finding.status, finding.topic, sentence(finding)) for finding in findings])


def sentence(finding: "Finding") -> str:
    """Return what was found, and the advice behind it."""
    return "; ".join(part for part in (finding.text, finding.advice) if part)


def diagnosis_record(findings: Sequence["Finding"], worst: "Status") -> dict[str, object]:
    """Return all findings as one record."""
    return {
        "v": VERSION,
        "darkroom": __version__,
        "status": worst,
        "checks": [finding_record(finding) for finding in findings],
    }


def finding_record(finding: "Finding") -> dict[str, object]:
    """Return one finding; its numbers are under "facts"."""
    return {
        "topic": finding.topic.strip(),
        "status": finding.status,
        "msg": finding.text,
        "advice": finding.advice or None,
        "facts": finding.facts,
    }
