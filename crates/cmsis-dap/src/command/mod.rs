//! Commands: typed requests and responses [DAP-1].

mod id;
mod request;
mod response;
mod sequence;

#[cfg(test)]
mod tests;

pub use id::{Capabilities, CommandId, DebugPort, InfoId, Led, Status, SwdConfig, pins};
pub use request::Request;
pub use response::{InfoData, Response, SwoExtended};
pub use sequence::{JtagItem, SwdSequenceItem};
