"""The parts of training that need no PyTorch keep working without it."""

from __future__ import annotations

import subprocess
import sys


def test_no_torch_until_a_network_is_built() -> None:
    """Reading data, splitting and augmenting import no torch: installs without the extra can evaluate plugins."""
    code = "import sys, framelabel.workflows.train, framelabel.workflows.plugin_scores; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
