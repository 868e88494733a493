"""Tables of one episode: light, jobs, demand, faults and network, from the episode's seed."""
