//! The STM32H5 driver: identity, flash, option bytes, product state, OBK, debug authentication.
