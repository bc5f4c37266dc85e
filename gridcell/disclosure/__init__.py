"""Disclosure control: what of a plan may be published, and the audit of what was."""
