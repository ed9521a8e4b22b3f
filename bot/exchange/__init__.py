"""Markets and accounts: adapters behind the ports of market data and orders."""
