"""What is said in a terminal while an audit goes on; one template for each fact."""

TEMPLATES = {
    "searched": "{stage?:{stage}: }{done:count} of {stage?:at most }{budget:count} evaluations{worst?:, worst so far "
    "{worst:error}}",
    "planted": "planted errors: {done:count} of {searches:count} searches",
    "time": "{seconds:duration}{left?:, about {left:duration} left}",
    "audit": "audit {title}",
    "tolerance": "tolerance {tolerance:error}",
    "seed": "seed {seed}",
    "done": "{done:count} evaluations",
    "stage": "{name} ({number} of {of})",
    "left": "{most?:at most }{left} left",
    "worst": "worst so far {worst:error}",
    "rms": "RMS {rms:error}",
    "no-value": "no value {n:count}",
    "above": "above tolerance",
    "hint": "Ctrl-C stops and keeps the work; --resume goes on",
}
