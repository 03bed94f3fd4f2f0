"""What the benchmarks share: tasks, models, processes, arithmetic and tables."""
