"""What people read: every sentence of the chat and its pictures in one file a language, and the room that says them."""
