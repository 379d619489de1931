"""What the benchmarks compare with: the libraries alone, used as plainly as they can be."""
