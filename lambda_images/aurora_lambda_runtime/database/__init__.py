"""How a function reaches its database: the contract with the components, logging in, the SQLAlchemy engine."""
