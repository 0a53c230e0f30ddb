//! Flash: erase, program, verify, read. [H5-FLASH-3] [H5-FLASH-4] [H5-FLASH-10]

mod erase;
mod pace;
mod program;
mod range;
mod update;
mod verify;

pub use erase::EraseReport;
pub use pace::{Fallback, FlashPace};
pub use program::ProgramReport;
pub use range::FlashRange;
pub use update::UpdateReport;
