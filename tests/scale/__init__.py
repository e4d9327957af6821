"""Past one machine: pools, replicas, another broker, several servers of each kind."""
