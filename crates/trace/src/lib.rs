//! Traces: file format, decoding, lifting, naming, statistics.
