//! Notes of `vendor-notes/stm32h5-debug.md`.

use super::{Confidence, Note, note};

pub(super) const NOTES: &[Note] = &[
    note(
        "H5-DBG-1",
        Confidence::Verified,
        "DPIDR is 0x6BA0_2477 over SWD; AP0 is an APB-AP (IDR 0x5477_0002), AP1 the core's AHB-AP (IDR 0x8477_0001), AP2 does not exist",
        "connect, read DPIDR, then IDR, CSW and BASE of AP0, AP1, AP2",
    ),
    note(
        "H5-DBG-2",
        Confidence::Verified,
        "DBGMCU lies at 0xE004_4000 behind AP0 and at 0x4402_4000 for the core and AP1",
        "read IDCODE at both places",
    ),
    note(
        "H5-DBG-3",
        Confidence::Svd,
        "DBGMCU_SR bits 15:0 say which access ports exist, bits 31:16 which are open; after reset it reads 0x0001_0003",
        "read 0xE004_40FC through AP0 before and after the ROM has opened AP1",
    ),
    note(
        "H5-DBG-4",
        Confidence::Verified,
        "DEV_ID is 0x474 (H503), 0x478 (H523/H533), 0x484 (H562/H563/H573); bits 15:12 of IDCODE read 6",
        "read DBGMCU_IDCODE through AP0",
    ),
    note(
        "H5-DBG-5",
        Confidence::Verified,
        "On AP1 ST's tools use CSW protection 0x0B for secure and 0x4B for non-secure accesses (bit 30 set: non-secure)",
        "with TrustZone on read a secure address with both settings",
    ),
    note(
        "H5-DBG-6",
        Confidence::Guess,
        "A shut AP1 still shows its IDR; its CSW has DeviceEn 0 and memory accesses are answered with FAULT",
        "close a part, read IDR and CSW of AP1, then try a read",
    ),
    note(
        "H5-DBG-7",
        Confidence::Verified,
        "UID is 12 bytes at 0x08FF_F800, flash size in KiB at 0x08FF_F80C, package at 0x08FF_F80E, OTP 2 KiB at 0x08FF_F000",
        "read them in OPEN",
    ),
    note(
        "H5-DBG-8",
        Confidence::ThirdParty,
        "The UID reads as zero in PROVISIONING",
        "read UID in OPEN and again in 0x17",
    ),
    note(
        "H5-DBG-9",
        Confidence::User,
        "Reading OTP, EDATA or OBK that was never written is a bus error",
        "read an unwritten OTP block through AP1 and look at STICKYERR",
    ),
    note(
        "H5-DBG-10",
        Confidence::Verified,
        "The ROM table behind AP0 names ST (JEP106 0x20, continuation 0) and the part number 0x484, 0x478 or 0x474",
        "read PIDR0 to PIDR4 at BASE of AP0 + 0xFE0",
    ),
    note(
        "H5-DBG-11",
        Confidence::Guess,
        "Nothing that a debugger is known to read tells a part with crypto units from one of the same die without them (H573 from H562/H563, H533 from H523)",
        "on an H573 and an H563 compare PACKAGE at 0x08FF_F80E, and RCC_AHB2ENR after all its bits were written: is SAESEN still 0 where there is no SAES?",
    ),
    note(
        "H5-MEM-1",
        Confidence::Verified,
        "Memory map: flash 0x0800_0000 in two banks, SRAM from 0x2000_0000, OBK 8 KiB at 0x0BFD_0000 (0x0FFD_0000 secure), EDATA 96 KiB at 0x0900_0000",
        "read first and last word of every range",
    ),
    note(
        "H5-MEM-2",
        Confidence::Verified,
        "ST's bootloader lies at 0x0BF9_7000 (0x9400 bytes) and the ROM's secure services at 0x0FF9_4000 (0x2000); on H503 the bootloader is at 0x0BF8_7000",
        "sample the program counter in PROVISIONING",
    ),
    note(
        "H5-MEM-3",
        Confidence::Inferred,
        "A byte or half-word that is written to a register on APB is written into every lane of it; on AHB into its own",
        "write 0x02 as a byte to ICACHE_CR (AHB) and to NEXTHDPLCR of SBS (APB), read the words",
    ),
    note(
        "H5-SBS-1",
        Confidence::Verified,
        "SBS at 0x4400_0400 holds the hide protection level (HDPLSR: B4 level 0, 51 level 1, 8A level 2, 6F level 3), the debug control and the command word for the ROM",
        "read HDPLSR and DBGCR in OPEN, in 0x17 and with user code running",
    ),
    note(
        "H5-RCC-1",
        Confidence::Verified,
        "RCC 0x4402_0C00, PWR 0x4402_0800, USB 0x4001_6000, ICACHE 0x4003_0400; RCC_RSR keeps the causes of resets until RMVF is written",
        "pulse NRST and read RSR",
    ),
];
