"""Which adapters stand behind the ports, and the account they lead to. Only the front doors come here."""
