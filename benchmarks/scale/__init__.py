"""How audits use several workers."""
