//! Notes of `vendor-notes/stm32h5-state.md`.

use super::{Confidence, Note, note};

pub(super) const NOTES: &[Note] = &[
    note(
        "H5-STATE-1",
        Confidence::Verified,
        "Product state codes: OPEN ED, PROVISIONING 17, IROT-PROVISIONED 2E, TZ-CLOSED C6, CLOSED 72, LOCKED 5C, REGRESSION 9A, NS-REGRESSION A3",
        "read OPTSR_CUR in each state that can be left again",
    ),
    note(
        "H5-STATE-2",
        Confidence::Verified,
        "Known moves: OPEN to 17 and 17 to 2E, C6 (TrustZone on), 72 or 5C by option byte; back only by regression; firmware can go OPEN to 2E to 72 and to 9A",
        "try every pair on a part that may be lost",
    ),
    note(
        "H5-STATE-3",
        Confidence::Employee,
        "In PROVISIONING user code never runs: the part boots system flash, the ROM's services and then the bootloader",
        "sample the program counter after a reset in 0x17",
    ),
    note(
        "H5-STATE-4",
        Confidence::Inferred,
        "After a reset in PROVISIONING AP1 is shut until the ROM opens it, after a delay",
        "poll 0xE004_40FC through AP0 from the release of NRST",
    ),
    note(
        "H5-STATE-5",
        Confidence::Guess,
        "CLOSED and LOCKED shut AP1 at the next reset, not at once",
        "set 0x72 and read a word through AP1 before any reset",
    ),
    note(
        "H5-STATE-6",
        Confidence::ThirdParty,
        "A full regression erases flash and SRAM and leaves the part in OPEN",
        "regress a part and read flash, option bytes and state",
    ),
    note(
        "H5-STATE-7",
        Confidence::ThirdParty,
        "Password credentials belong to TrustZone off, certificates to TrustZone on; the wrong pair and CLOSED lock a part for ever",
        "do not; the pairing is refused before anything is written",
    ),
    note(
        "H5-STATE-8",
        Confidence::Verified,
        "Closing a crypto part with BOOT_UBE C3 (ST-iRoT) without ST-iRoT data bricks it",
        "do not",
    ),
    note(
        "H5-STATE-9",
        Confidence::ThirdParty,
        "Right after a reset the option registers can read as zero or garbage",
        "read OPTSR_CUR every 100 µs from the release of NRST",
    ),
];
