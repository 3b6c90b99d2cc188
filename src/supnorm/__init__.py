"""supnorm finds, proves, predicts and removes the worst-case error of neural networks for science."""
