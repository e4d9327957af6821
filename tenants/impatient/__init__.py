"""Django's PostgreSQL with a limit to each wait on our side: a server that hangs keeps to no limit of its own."""
