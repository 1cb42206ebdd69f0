"""What the Dockerfile runs during a build; images do not contain it."""
