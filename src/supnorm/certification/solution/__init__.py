"""How far is a network from the solution of a differential equation: a proof of several parts."""
