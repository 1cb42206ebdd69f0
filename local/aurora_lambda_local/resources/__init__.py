"""What runs on this machine for each type of resource, and the outputs that AWS would compute."""
