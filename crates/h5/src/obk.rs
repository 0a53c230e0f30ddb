//! Option-byte keys: the provisioning file without any target, and the three routes that may bring it into the part.
//!
//! Which route silicon accepts from a debugger in which state is not public: each is a guess. [H5-OBK-10]

mod direct;
mod file;
mod lint;
mod provision;
mod rss;

pub use file::{Credential, ObkError, ObkFile, ObkSpec};
pub use lint::{Finding, LintContext, ObkRule, Severity};
pub use provision::{ObkReport, ObkRoute};
pub use rss::RssGuesses;

#[cfg(test)]
mod tests;
