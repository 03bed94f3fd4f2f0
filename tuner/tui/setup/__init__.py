"""The parts of the setup screen: what is edited, how it is typed, what is shown beside it."""
