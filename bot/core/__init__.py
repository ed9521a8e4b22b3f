"""The pure heart: what a grid is and how its levels live. No I/O, no clock, no logging, no randomness."""
