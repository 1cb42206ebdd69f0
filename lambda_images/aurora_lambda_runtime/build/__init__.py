"""Steps of an image's build, which the Dockerfile runs; images do not contain them."""
