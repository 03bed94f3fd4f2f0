"""Charts in characters: pure functions from values to lines of styled runs."""
