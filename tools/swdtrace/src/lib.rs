//! Shows and counts what happened on the wire.
