"""The machinery that carries every resource through every contract; it knows neither by name."""
