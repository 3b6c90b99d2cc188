"""How often what is stated with a confidence is true."""
