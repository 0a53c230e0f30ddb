//! The standalone production binary: takes an STM32H5 from OPEN to CLOSED and back, and proves it.
