"""What the benchmarks of the streams and the soak test are built from: processes, their cost, load."""
