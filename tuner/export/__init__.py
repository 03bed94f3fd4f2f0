"""What leaves a session: best.json, CSV, rows, and a summary."""
