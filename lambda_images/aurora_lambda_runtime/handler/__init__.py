"""Events received and answered."""
