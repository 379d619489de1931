"""What all unit tests have in common: how fast they are, and that a slow machine is no failure."""

from __future__ import annotations

import gc

from hypothesis import HealthCheck, settings

# Hypothesis fails an example that took too long; on a busy machine any may.
settings.register_profile("unit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unit")

# A fifth of the time went into looking for garbage, among modules and in lists of events that were in use.
# So nothing is looked for while the tests are imported, never among what was imported, and less often.
gc.disable()
gc.set_threshold(100_000, 10, 10)


def pytest_collection_finish() -> None:
    """Called by pytest when all is imported."""
    gc.freeze()
    gc.enable()
