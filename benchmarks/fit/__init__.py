"""Optimisers and training stages beside their peers; see README.md in this folder."""
