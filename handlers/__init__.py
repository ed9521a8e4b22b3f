"""The chat: Telegram, or the terminal playing Telegram. No trading rule and no arithmetic on money stand here.

Rule: an update passes the doorman, is looked up in the table of commands, and its handler parses, asks the manager and
says; what the trader has to tell goes out through the outbox.
"""
