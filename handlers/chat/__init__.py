"""The chat as a running thing: updates in, through the doorman to their handlers; notices out, at Telegram's pace."""
