"""Certificates beside their peers, and the soundness campaign."""
