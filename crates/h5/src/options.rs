//! Option bytes: reading them by name, and changing them with everything that has to be looked at before and after.
//! [H5-OB-1] [H5-OB-2] [H5-OB-3]

mod change;
mod values;

pub use change::{OptionReport, Proof};
pub use values::{BadChange, OptionBytes, OptionChange, OptionDiff, OptionValue};
