//! `Bench`: what a person's hands do to a board.

use std::time::Duration;

/// What is plugged into the board's own USB connector (not the probe's).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cable {
    /// Nothing.
    Out,
    /// A cable or charger that gives power but no data.
    ChargeOnly,
    /// A cable to a live host.
    Data,
}

/// Why a request to the bench was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BenchError(pub String);

impl std::fmt::Display for BenchError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "bench: {}", self.0)
    }
}

impl std::error::Error for BenchError {}

/// A person, a relay box or a simulated board.
pub trait Bench {
    /// Changes what is plugged into the board's USB connector.
    ///
    /// # Errors
    /// When nobody could do it.
    fn cable(&mut self, cable: Cable) -> Result<(), BenchError>;

    /// Ties BOOT0 high or low.
    ///
    /// # Errors
    /// When nobody could do it.
    fn boot0(&mut self, high: bool) -> Result<(), BenchError>;

    /// Switches the board's supply. It stays powered through its USB cable if one is in.
    ///
    /// # Errors
    /// When nobody could do it.
    fn power(&mut self, on: bool) -> Result<(), BenchError>;

    /// Presses the reset button for `hold`.
    ///
    /// # Errors
    /// When nobody could do it.
    fn press_reset(&mut self, hold: Duration) -> Result<(), BenchError>;
}
