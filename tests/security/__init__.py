"""What docs/security-requirements.md promises and no module's own tests show."""
