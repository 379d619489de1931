"""Long randomised tests: `make fuzz` runs them for minutes, `make test` a few cases of each."""
