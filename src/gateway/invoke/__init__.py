"""Functions as on Lambda: their code made ready, their processes, and the Runtime API that drives them."""
