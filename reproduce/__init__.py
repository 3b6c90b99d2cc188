"""The experiments of the papers that this project stands on, run again: published numbers beside ours.

``supnorm reproduce NAME`` runs one, ``supnorm reproduce all`` every one. A folder is a paper: ``run.py`` says what is
computed and what follows from it, ``published.toml`` what the paper says, number by number, and how we know.
"""
