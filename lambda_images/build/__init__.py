"""What the Dockerfile runs while it builds; none of it is in an image."""
