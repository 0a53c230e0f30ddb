//! Notes of `vendor-notes/swd-adi.md`.

use super::{Confidence, Note, note};

pub(super) const NOTES: &[Note] = &[
    note(
        "ADI-1",
        Confidence::Verified,
        "The SWD request byte is start, APnDP, RnW, A2, A3, even parity over these four, stop, park, sent bit 0 first",
        "send 0xA5 after a line reset and read DPIDR",
    ),
    note(
        "ADI-2",
        Confidence::Memory,
        "DPIDR reads, CTRL/STAT reads and ABORT writes are never answered with WAIT or FAULT",
        "make an AP access fail, then read CTRL/STAT: it must answer OK with STICKYERR set",
    ),
    note(
        "ADI-3",
        Confidence::Verified,
        "AP reads are posted: an AP read returns the result of the one before; RDBUFF returns the last one without starting another",
        "read two different words in a row and compare with single reads",
    ),
    note(
        "ADI-4",
        Confidence::Memory,
        "While STICKYERR, STICKYCMP, WDATAERR or STICKYORUN is set every AP access is answered with FAULT and is not performed",
        "read an unmapped address, then count FAULTs until ABORT is written",
    ),
    note(
        "ADI-5",
        Confidence::Verified,
        "With ORUNDETECT on, a data phase follows every ACK and WAIT or FAULT set STICKYORUN",
        "set CTRL/STAT.ORUNDETECT and count clocks after a WAIT",
    ),
    note(
        "ADI-6",
        Confidence::Memory,
        "Write data with wrong parity sets WDATAERR; the write is dropped and the next access is answered with FAULT",
        "send one write with an inverted parity bit and read CTRL/STAT",
    ),
    note(
        "ADI-7",
        Confidence::Verified,
        "Auto-increment of TAR is guaranteed only inside an aligned block of 1 KiB",
        "write across 0x2000_0400 with one TAR write and read back",
    ),
    note(
        "ADI-8",
        Confidence::Verified,
        "Power-up is CTRL/STAT with CSYSPWRUPREQ and CDBGPWRUPREQ (0x5000_0000), then wait for both acknowledge bits",
        "read CTRL/STAT after the write: bits 31 and 29 come up",
    ),
    note(
        "ADI-9",
        Confidence::Verified,
        "After a line reset the first transfer must be a DPIDR read or a TARGETSEL write",
        "send CTRL/STAT read directly after a line reset: no answer",
    ),
    note(
        "ADI-10",
        Confidence::Memory,
        "ABORT.DAPABORT is the only way to release a stuck access port without a reset; what became of the access is unknown",
        "stall the bus by a flash operation, write DAPABORT, read CTRL/STAT and a known word",
    ),
    note(
        "ADI-11",
        Confidence::Memory,
        "After the last transfer at least 8 more clocks are needed before SWCLK may stop",
        "stop the clock right after an AP write and see whether the word arrived",
    ),
    note(
        "ADI-12",
        Confidence::Verified,
        "CSW holds width, increment, DeviceEn, TrInProg and protection; the port's class, type and designer are in IDR",
        "read CSW, IDR, BASE, CFG of AP0 and AP1",
    ),
    note(
        "ADI-13",
        Confidence::Verified,
        "Line reset is at least 50 clocks high and 2 low; the switch sequences are those of OpenOCD's swd.h",
        "wake a part from dormant state and from JTAG",
    ),
    note(
        "ADI-14",
        Confidence::Verified,
        "At turnaround 1 a transaction answered OK takes 46 clocks, one answered WAIT or FAULT 13 (46 with a data phase)",
        "count SWCLK edges with a logic analyser",
    ),
    note(
        "ADI-15",
        Confidence::Verified,
        "In ADIv6 (DPIDR version 3) SELECT holds address bits 31:4 and DPBANKSEL, SELECT1 bits 63:32; a MEM-AP's registers lie 0xD00 above its base",
        "on an RP2350 write SELECT 0x0000_2DF0 and read 0xC: the IDR of the port at 0x2000",
    ),
    note(
        "M33-1",
        Confidence::Memory,
        "Cortex-M33 debug registers lie where Armv8-M puts them: DHCSR 0xE000_EDF0, DEMCR 0xE000_EDFC, DSCSR 0xE000_EE08, DAUTHSTATUS 0xE000_EFB8",
        "read CPUID, DHCSR and DAUTHSTATUS through AP1",
    ),
    note(
        "M33-2",
        Confidence::Guess,
        "After reset the core of an STM32H5 runs from HSI at 32 MHz, with four priority bits and an FPU; firmware that sets up the PLL is faster",
        "halt at reset, read RCC_CR and RCC_CFGR1; write 0xFF to an NVIC priority and read it back; count DWT_CYCCNT over a second",
    ),
    note(
        "M33-3",
        Confidence::Memory,
        "Halting debug of Armv8-M: a halt ends a lockup (PC 0xEFFF_FFFE), a breakpoint stops before its instruction, BKPT without C_DEBUGEN is a HardFault, vector catch stops at the handler's first instruction",
        "erase the flash, reset, halt, read DHCSR and PC; set VC_HARDERR and run an undefined instruction",
    ),
    note(
        "M33-4",
        Confidence::Memory,
        "Every Cortex-M has SCS, DWT, FPB and ITM at the same addresses (0xE000_0000 to 0xE003_FFFF) and the same eight regions of half a gigabyte",
        "read CPUID and FP_CTRL of any Cortex-M",
    ),
];
