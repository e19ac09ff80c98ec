"""Real data sets through every format and back: what comes back the same, and what does each format not hold?

    python tests/benchmarks/formats_real_data.py [--labels N] [--data PATH] [--json FILE] [--write]

Every set is read from its own format, written in each of the 22 formats and read again. What comes back must equal what
the format said that it would hold, to the last digit (`framelabel.formats.comparison`); what it does not hold is taken
from the loss report beside the export. `--write` updates docs/formats.md; exit 1 when anything comes back otherwise.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(REPOSITORY))

from framelabel.core.labels import Labels  # noqa: E402 - the repository is on the path only now
from framelabel.formats.catalog import FORMATS  # noqa: E402
from framelabel.formats.comparison import differences  # noqa: E402
from framelabel.formats.report import LossReport  # noqa: E402
from tests.benchmarks.documented import put  # noqa: E402
from tests.contracts.test_formats_real_data import SETS, load_set  # noqa: E402


def outcome(name: str, labels: Labels, folder: Path) -> tuple[tuple[str, ...], bool]:
    """Return the kinds of facts that a format does not hold, and whether all else came back."""
    kind = FORMATS.load(name)()
    expected = kind.fit(labels, LossReport(name))
    loss = kind.write(labels, folder / name)
    if not len(expected):
        return ("holds none of these labels",), True
    found, report = kind.read(folder / name)
    return tuple(sorted(loss.losses)), report.skipped == 0 and not differences(expected, found)


def measure(data: Path, most: int) -> dict[str, dict[str, tuple[tuple[str, ...], bool]]]:
    """Return the outcome of each format for each set that is there."""
    result: dict[str, dict[str, tuple[tuple[str, ...], bool]]] = {}
    for source in SETS:
        if not (data / "data" / source).exists():
            print(f"{source}: not there")
            continue
        labels = load_set(source, lambda relative: data / relative)
        labels = labels.select(np.arange(min(len(labels), most)))
        title = f"{source.removesuffix('/train/COCO_train_annos.json').rpartition('/')[2]} ({len(labels)} labels)"
        with tempfile.TemporaryDirectory() as temporary:
            result[title] = {name: outcome(name, labels, Path(temporary)) for name in FORMATS}
        print(title, sum(came for _, came in result[title].values()), "formats", flush=True)
    return result


def table(results: dict[str, dict[str, tuple[tuple[str, ...], bool]]], most: int) -> str:
    """Return a Markdown table: for each set the formats by what they do not hold."""
    command = (
        f"`python tests/benchmarks/formats_real_data.py --labels {most} --write`; all that is not listed as lost came "
        "back to the last digit:"
    )
    lines = [
        command,
        "",
        "| data set | not held, as the loss report says | formats |",
        "|---|---|---|",
    ]
    for title, outcomes in results.items():
        groups: dict[tuple[str, ...], list[str]] = {}
        for name, (lost, came) in sorted(outcomes.items()):
            groups.setdefault(lost if came else ("DIFFERS", *lost), []).append(name)
        for lost, names in sorted(groups.items(), key=lambda item: len(item[0])):
            lines.append(f"| {title} | {', '.join(lost) or 'nothing: identical'} | {', '.join(names)} |")
    return "\n".join(lines)


def main() -> int:
    """Print the table; 1 when something came back otherwise than said."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=int, default=1_000_000, help="the first N of each set")
    parser.add_argument("--data", type=Path, default=REPOSITORY.parent / "shared", help="folder that holds data/")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--write", action="store_true", help="update docs/formats.md")
    given = parser.parse_args()
    results = measure(given.data, given.labels)
    text = table(results, given.labels)
    print(text)
    if given.json:
        given.json.write_text(json.dumps(results, indent=1))
    if given.write:
        put("formats", "formats-real-data", [text])
    wrong = [f"{title} {name}" for title, row in results.items() for name, (_, came) in row.items() if not came]
    outcome = f"wrong: {wrong}" if wrong else "all as said"
    print(f"real data: {len(results)} sets through {len(FORMATS)} formats; {outcome}")
    return 1 if wrong or not results else 0


if __name__ == "__main__":
    sys.exit(main())
