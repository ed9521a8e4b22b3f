"""Answers to questions: pictures of the present state and of the books. Nothing here changes anything."""
