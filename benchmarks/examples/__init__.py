"""The examples of examples/README.md and the demo, run as a reader runs them; what came out is kept."""
