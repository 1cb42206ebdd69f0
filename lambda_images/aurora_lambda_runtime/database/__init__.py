"""A function's way to its database: the contract with the components, logging in, the SQLAlchemy engine."""
