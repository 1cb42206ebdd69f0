"""What is known of the revisions: their files, checksums and order, and what of them a database has."""
