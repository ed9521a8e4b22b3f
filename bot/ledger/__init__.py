"""What is written down for people and auditors: closed trades, fills, and what went on."""
