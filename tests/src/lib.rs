//! Scenarios, goldens, layering: tests that need more than one crate.
