"""The trader at work: the heartbeat and the rooms it calls, from the desks of the markets to the guards."""
