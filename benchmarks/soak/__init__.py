"""Hours of demo load with clients coming and going: `python -m benchmarks.soak`, `make soak`."""
