"""Gates of releases: an assertion for tests, the pytest plugin, and results in trackers of experiments."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "assertion": ["assert_sup_error"],
        "run_comparison": ["compare_runs"],
        "tracking": ["log_to_mlflow", "log_to_wandb"],
    },
)
