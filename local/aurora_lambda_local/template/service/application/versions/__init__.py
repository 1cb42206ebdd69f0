"""The revisions, applied in the order of their numbers: `aurora-lambda new-migration` writes them."""
