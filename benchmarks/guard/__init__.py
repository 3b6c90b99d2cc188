"""Guards beside their controls, the fused graph, the service under load, and the shadow checks."""
