"""Measurements, not tests: `make bench` prints them as tables. Ratios on one machine mean something, seconds little."""
