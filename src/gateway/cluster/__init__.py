"""Who is in the fleet and who is not: leases, death and what follows from it, as functions of observations and time."""
