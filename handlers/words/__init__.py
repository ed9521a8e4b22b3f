"""What is said and shown, and what typed words mean. Pure: data in, HTML and buttons out."""
