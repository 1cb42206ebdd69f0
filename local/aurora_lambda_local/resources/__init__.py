"""The realisation of each type of resource on this machine, and the outputs that AWS would compute."""
