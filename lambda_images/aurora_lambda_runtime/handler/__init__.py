"""What receives an event and answers it."""
