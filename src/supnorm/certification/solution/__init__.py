"""How far is a network from the solution of a differential equation: residuals, comparison principles, a proof of several parts."""
