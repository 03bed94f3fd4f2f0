"""What is drawn from data: Rich renderables without a screen, shared with the command line."""
