//! Which cells there are, how often each is tried, and in which order.
//!
//! The order is chance's, repeatable by a seed: each round visits every cell once, cable by cable, because somebody has to
//! move the cable.

use crate::cell::{AP1, Budget, Cell, Connect, Look, Plug, Reset};
use pace::experiment::{
    BUDGET_MS, FAST_KHZ, LIMIT_MS, LONG_LIMIT_MS, LONG_SETTLE_MS, SETTLES_MS, SLOW_KHZ, STEADY_POLL_US,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use thiserror::Error;

/// Most trials of a matrix: each writes OBK, and how many erases OBK survives is not published. [H5-OBK-4]
const MOST_TRIALS: usize = 1000;

/// An experiment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matrix {
    /// How often each cell is tried.
    pub rounds: u32,
    /// Milliseconds after which a wait counts as a timeout, though it is waited on.
    #[serde(default = "budget_ms")]
    pub budget_ms: u32,
    /// Milliseconds after which nobody waits any more.
    #[serde(default = "limit_ms")]
    pub limit_ms: u32,
    /// The cells.
    #[serde(rename = "cell")]
    pub cells: Vec<Cell>,
}

const fn budget_ms() -> u32 {
    BUDGET_MS
}

const fn limit_ms() -> u32 {
    LIMIT_MS
}

/// A matrix that cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum BadMatrix {
    /// No TOML of this form.
    #[error("the matrix cannot be read: {0}")]
    Form(String),
    /// Too few or too many trials.
    #[error("the matrix has {trials} trials; 1 to {MOST_TRIALS} can be made of it")]
    Size {
        /// How many.
        trials: usize,
    },
    /// The limit is not above the budget.
    #[error("limit_ms must be more than budget_ms")]
    Limit,
    /// A port that no STM32H5 has.
    #[error("ap must be 0 or 1: an STM32H5 has no AP{0}")]
    Port(u8),
}

impl Matrix {
    /// One thing changed at a time, around the arm that is reported to fail and the one that is reported to work.
    #[must_use]
    pub fn quick() -> Matrix {
        let fails = Cell::default();
        let hotplug = Cell { connect: Connect::Hotplug, ..fails };
        let cells = vec![
            fails,
            Cell { cable: Plug::Charge, ..fails },
            Cell { cable: Plug::Out, ..fails },
            hotplug,
            Cell { cable: Plug::Out, ..hotplug },
            Cell { connect: Connect::Masked, ..fails },
            Cell { settle_ms: LONG_SETTLE_MS, ..fails },
            Cell { khz: SLOW_KHZ, ..fails },
            Cell { khz: FAST_KHZ, ..fails },
            Cell { khz: FAST_KHZ, budget: Budget::Time, ..fails },
            Cell { reset: Reset::System, ..fails },
            Cell { reset: Reset::System, cable: Plug::Out, ..fails },
            Cell { reset: Reset::Power, ..fails },
            Cell { reset: Reset::Power, cable: Plug::Charge, ..fails },
            Cell { reset: Reset::Power, cable: Plug::Out, ..fails },
            Cell { look: Look::Blind, ..fails },
            Cell { look: Look::Blind, ..hotplug },
            Cell { look: Look::Blind, settle_ms: LONG_SETTLE_MS, ..fails },
        ];
        Matrix { rounds: 6, budget_ms: budget_ms(), limit_ms: limit_ms(), cells }
    }

    /// Everything that can be crossed in reason, and the cells of [`Matrix::quick`]: those without their twin that differs in
    /// looking get it, a steady rhythm of looks, and the wrong access port as a control.
    #[must_use]
    pub fn full() -> Matrix {
        let quick = Matrix::quick().cells;
        let blind = quick.iter().map(|cell| Cell { look: Look::Blind, ..*cell });
        let steady = quick.iter().take(STEADY).map(|cell| Cell { poll_us: Some(STEADY_POLL_US), ..*cell });
        let port = Plug::ALL.iter().map(|cable| Cell { cable: *cable, ap: 0, ..Cell::default() });
        let mut cells = quick.clone();
        for cell in crossed().chain(blind).chain(steady).chain(port) {
            if !cells.contains(&cell) {
                cells.push(cell);
            }
        }
        Matrix { rounds: 6, limit_ms: LONG_LIMIT_MS, budget_ms: budget_ms(), cells }
    }

    /// Reads a matrix: `rounds`, and a `[[cell]]` for each cell.
    ///
    /// # Errors
    /// [`BadMatrix`].
    pub fn parse(text: &str) -> Result<Matrix, BadMatrix> {
        let matrix: Matrix = toml::from_str(text).map_err(|e| BadMatrix::Form(e.message().to_owned()))?;
        matrix.check()?;
        Ok(matrix)
    }

    /// Whether it can be used.
    ///
    /// # Errors
    /// [`BadMatrix`].
    pub fn check(&self) -> Result<(), BadMatrix> {
        let trials = self.trials();
        if let Some(cell) = self.cells.iter().find(|cell| cell.ap > AP1.0) {
            return Err(BadMatrix::Port(cell.ap));
        }
        match trials {
            1..=MOST_TRIALS if self.limit_ms > self.budget_ms => Ok(()),
            1..=MOST_TRIALS => Err(BadMatrix::Limit),
            _ => Err(BadMatrix::Size { trials }),
        }
    }

    /// How many trials it has.
    #[must_use]
    pub fn trials(&self) -> usize {
        self.cells.len().saturating_mul(usize::try_from(self.rounds).unwrap_or(usize::MAX))
    }

    /// The time after which a wait counts as a timeout.
    #[must_use]
    pub fn budget(&self) -> Duration {
        Duration::from_millis(u64::from(self.budget_ms))
    }

    /// The time after which nobody waits any more.
    #[must_use]
    pub fn limit(&self) -> Duration {
        Duration::from_millis(u64::from(self.limit_ms))
    }

    /// The cells in the order in which they are tried.
    #[must_use]
    pub fn schedule(&self, seed: u64) -> Vec<Cell> {
        let mut chance = Chance(seed);
        let mut order = Vec::with_capacity(self.trials());
        for _ in 0..self.rounds {
            let mut plugs = Plug::ALL.to_vec();
            chance.shuffle(&mut plugs);
            for plug in plugs {
                let mut cells: Vec<Cell> = self.cells.iter().filter(|c| c.cable == plug).copied().collect();
                chance.shuffle(&mut cells);
                order.extend(cells);
            }
        }
        order
    }
}

/// How many of the quick matrix's cells are tried with a steady rhythm of looks too: the three cables, and hotplug.
const STEADY: usize = 4;

/// Cable, connect mode, reset and settle time, each with each.
fn crossed() -> impl Iterator<Item = Cell> {
    let resets = [Reset::Nrst, Reset::System, Reset::Power];
    let cells = move |cable: Plug, connect: Connect| {
        resets.into_iter().flat_map(move |reset| {
            let settled = move |settle_ms| Cell { cable, connect, reset, settle_ms, ..Cell::default() };
            SETTLES_MS.into_iter().map(settled)
        })
    };
    let pairs = Plug::ALL.iter().flat_map(|cable| Connect::ALL.iter().map(|connect| (*cable, *connect)));
    pairs.flat_map(move |(cable, connect)| cells(cable, connect))
}

/// SplitMix64.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn shuffle<T>(&mut self, all: &mut [T]) {
        for last in (1..all.len()).rev() {
            let bound = u64::try_from(last).unwrap_or(u64::MAX).saturating_add(1);
            all.swap(last, usize::try_from(self.next() % bound).unwrap_or(last));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn chance_is_that_of_the_published_generator() {
        assert_eq!(Chance(0).next(), 0xE220_A839_7B1D_CDAF);
    }

    #[test]
    fn a_schedule_tries_each_cell_once_a_round_and_moves_the_cable_seldom() {
        let matrix = Matrix::quick();
        let order = matrix.schedule(7);
        assert_eq!((order.len(), order.clone()), (matrix.trials(), matrix.schedule(7)));
        assert_ne!(order, matrix.schedule(8));
        for round in order.chunks(matrix.cells.len()) {
            let mut seen: BTreeMap<Cell, u32> = BTreeMap::new();
            round.iter().for_each(|cell| *seen.entry(*cell).or_default() += 1);
            assert_eq!(seen.len(), matrix.cells.len());
            assert_eq!(round.windows(2).filter(|pair| pair[0].cable != pair[1].cable).count(), 2);
        }
    }

    #[test]
    fn built_in_matrices_have_each_cell_once_and_are_small_enough() {
        for matrix in [Matrix::quick(), Matrix::full()] {
            let mut cells = matrix.cells.clone();
            cells.sort();
            cells.dedup();
            assert_eq!(cells.len(), matrix.cells.len());
            assert!(matrix.trials() <= MOST_TRIALS, "{}", matrix.trials());
        }
    }

    #[test]
    fn a_matrix_of_ones_own_is_read_and_wrong_ones_are_refused_with_the_reason() {
        let matrix = Matrix::parse("rounds = 3\n[[cell]]\ncable = \"out\"\n[[cell]]\nkhz = 100").unwrap();
        assert_eq!((matrix.trials(), matrix.budget_ms, matrix.cells[1].khz), (6, 250, 100));
        assert_eq!(Matrix::parse("rounds = 0\n[[cell]]"), Err(BadMatrix::Size { trials: 0 }));
        assert_eq!(Matrix::parse("rounds = 1001\n[[cell]]"), Err(BadMatrix::Size { trials: 1001 }));
        assert_eq!(Matrix::parse("rounds = 1\nlimit_ms = 250\n[[cell]]"), Err(BadMatrix::Limit));
        assert!(matches!(Matrix::parse("rounds = 1\n[[cell]]\ncable = \"red\""), Err(BadMatrix::Form(_))));
        assert_eq!(Matrix::parse("rounds = 1\n[[cell]]\nap = 2"), Err(BadMatrix::Port(2)));
        assert_eq!(Matrix::parse("rounds = 1\n[[cell]]\npoll_us = 0").unwrap().cells[0].poll_us, Some(0));
    }
}
