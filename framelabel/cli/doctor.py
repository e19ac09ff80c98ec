"""`framelabel doctor`."""

from __future__ import annotations

from rich.console import Console

from framelabel.cli import flags
from framelabel.workflows import doctor


def _run(config: doctor.DoctorConfig) -> int:
    console = Console(soft_wrap=True)
    findings = doctor.run(config)
    for finding in findings:
        mark = "ok  " if finding.is_good else ("  - " if finding.is_optional else "BAD ")
        console.print(f"{mark}{finding.topic}: {finding.text}", highlight=False, markup=False)
    return 0 if all(finding.is_good or finding.is_optional for finding in findings) else 1


command = flags.command("doctor", doctor.DoctorConfig, _run, help="Say what this machine can do and what is missing.")
