"""The views of a session: Live, Analysis, Compare, Config, Log."""
