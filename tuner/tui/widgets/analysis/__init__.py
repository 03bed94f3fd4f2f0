"""The panes of the analysis: each draws one chart of the same trials."""
