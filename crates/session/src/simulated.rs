//! The simulated board's bench.

use pace::Clock;
use sim::{Board, SimProbe};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use wire::{Bench, BenchError, Cable};

/// Hands that act at the session's time.
pub(crate) struct SimBench {
    pub(crate) device: Rc<RefCell<SimProbe>>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl SimBench {
    fn hands<T>(&self, act: impl FnOnce(&mut Board) -> T) -> T {
        let mut device = self.device.borrow_mut();
        act(device.board_at(self.clock.now()))
    }
}

impl Bench for SimBench {
    fn cable(&mut self, cable: Cable) -> Result<(), BenchError> {
        self.hands(|board| board.cable(cable))
    }

    fn boot0(&mut self, high: bool) -> Result<(), BenchError> {
        self.hands(|board| board.boot0(high))
    }

    fn power(&mut self, on: bool) -> Result<(), BenchError> {
        self.hands(|board| board.power(on))
    }

    fn press_reset(&mut self, hold: Duration) -> Result<(), BenchError> {
        self.hands(|board| board.press_reset(hold))?;
        self.clock.sleep(hold);
        Ok(())
    }
}
