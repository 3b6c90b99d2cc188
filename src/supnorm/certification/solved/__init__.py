"""Proofs for references that are solved: flows of ordinary differential equations and integrals."""
