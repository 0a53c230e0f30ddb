//! The composition root: what the user named becomes probe, recorder, policy and clock.
