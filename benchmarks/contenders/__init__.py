"""What is compared. Each module runs alone, `python -m contenders.NAME '{…}'`, and answers once."""
