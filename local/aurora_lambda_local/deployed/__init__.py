"""What is done with a deployed stack, here or on AWS, by the command line and the console alike."""
