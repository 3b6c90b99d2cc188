"""A neural general circulation model with the weights that its package ships, audited by `supnorm.audit_fields`."""
