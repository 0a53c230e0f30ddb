//! The world behind USB: probe firmware, SWD target, STM32H5, board.
