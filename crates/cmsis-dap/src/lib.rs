//! CMSIS-DAP packets, host side and device side.
