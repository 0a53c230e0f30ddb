//! Job file, plan, run: gates, journal and audit record.
