"""A new grid, made step by step in a dialogue."""
