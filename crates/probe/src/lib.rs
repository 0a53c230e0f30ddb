//! Probes: pipes, the recorder's tap and the links over them.
