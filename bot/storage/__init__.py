"""Where the state is kept: adapters behind the Store port."""
