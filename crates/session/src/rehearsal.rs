//! A simulated board to rehearse on: whatever is done there, the board that was named stays as it is.

use crate::{Options, Session, SessionError};
use sim::{Board, Scenario, SimError, SimProbe};

/// What begins the selector of a simulated probe.
const SIM: &str = "sim:";

impl Session {
    /// A session over a copy of this simulated board, switched on anew; `None` where the board is not simulated here. The copy is
    /// kept nowhere, and nothing is recorded.
    ///
    /// # Errors
    /// [`SessionError`].
    pub fn copy(&self, options: &Options) -> Option<Result<Session, SessionError>> {
        let device = self.device.as_ref()?;
        let image = device.borrow().board().nonvolatile();
        Some(copy_of(&image, options))
    }

    /// A session over a factory-new simulated part, for a rehearsal of what is meant for a real one.
    ///
    /// # Errors
    /// [`SessionError`], among others for a part that is not simulated.
    pub fn stand_in(part: &str, options: &Options) -> Result<Session, SessionError> {
        Session::simulated(SimProbe::open(part)?, &unrecorded(options))
    }
}

fn copy_of(image: &[u8], options: &Options) -> Result<Session, SessionError> {
    let spec = options.probe.strip_prefix(SIM).unwrap_or_default();
    let scenario = Scenario::parse(spec).map_err(SimError::from)?;
    let board = Board::from_nonvolatile(&scenario, image).map_err(SimError::from)?;
    Session::simulated(SimProbe::with_board(board, &scenario)?, &unrecorded(options))
}

fn unrecorded(options: &Options) -> Options {
    Options { trace: None, ..options.clone() }
}
