"""What the streams cost and reach: `python -m benchmarks.streams`."""
