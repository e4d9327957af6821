"""The admin as a whole: its site, log-in, home, menu and headers. The pages live in the rooms they show."""
