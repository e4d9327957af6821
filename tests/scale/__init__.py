"""Past one machine: what Kith promises with more than one server or process of a kind."""
