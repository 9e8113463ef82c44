"""The command `darkroom doctor`."""

import typer

from darkroom.cli.options import Json
from darkroom.errors import EnvironmentProblem

EPILOG = "Example: darkroom doctor"


def command(json: Json = False) -> None:
    """Look whether darkroom can work here: libraries, decoder, devices, memory, models, disk.

    Every line is ok, a warning or a problem, with what to do. Ends with exit code 4 if there is a
    problem. No file of yours is opened and nothing is changed.
    """
    from darkroom.doctor import diagnose, worst
    from darkroom.report.doctor import diagnosis_record, write_findings
    from darkroom.report.records import write_record

    findings = diagnose()
    if json:
        write_record(diagnosis_record(findings, worst(findings)))
    else:
        write_findings(findings)
    raise typer.Exit(EnvironmentProblem.exit_code if worst(findings) == "problem" else 0)
