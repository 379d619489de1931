from __future__ import annotations

import subprocess
import sys


def test_a_settled_process_leaves_what_is_loaded_to_no_collector() -> None:
    script = (
        "import gc, services.collector as c; c.settle(); print(gc.get_freeze_count(), *gc.get_threshold())"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    frozen, *thresholds = map(int, done.stdout.split())
    assert frozen > 1_000
    assert thresholds == [10_000, 20, 20]
