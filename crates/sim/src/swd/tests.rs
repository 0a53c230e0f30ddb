//! The two faces of the target against each other, and the debug port against the rules of ADIv5.2.

mod ap;
pub(crate) mod bench;
mod dp;
mod equal;
