//! Notes of `vendor-notes/stm32h5-flash.md`.

use super::{Confidence, Note, note};

pub(super) const NOTES: &[Note] = &[
    note(
        "H5-FLASH-1",
        Confidence::Verified,
        "The flash interface is at 0x4002_2000 (0x5002_2000 secure) with the offsets and bits of ST's device header",
        "read ACR, NSSR, NSCR, OPTCR after reset: 0x13, 0, 1, 1",
    ),
    note(
        "H5-FLASH-2",
        Confidence::Svd,
        "A wrong key sequence, or the right one repeated on an open lock, shuts that lock until the next system reset",
        "write the keys twice, then try to clear LOCK",
    ),
    note(
        "H5-FLASH-3",
        Confidence::ThirdParty,
        "Programming is four word writes to one aligned 16-byte slot with PG set; WBNE from the first word, BSY after the fourth, then EOP",
        "write four words and read NSSR after each",
    ),
    note(
        "H5-FLASH-4",
        Confidence::Verified,
        "Sector erase is SER + SNB + BKSEL with STRT; bank erase BER + BKSEL; mass erase MER; BKSEL is the physical bank whatever SWAP_BANK says",
        "erase one sector of each bank and read its neighbours",
    ),
    note(
        "H5-FLASH-5",
        Confidence::ThirdParty,
        "A quad-word takes 32 µs typical and 100 µs at most; a sector erase 2 ms typical and 10 ms at most",
        "time BSY over 1000 operations",
    ),
    note(
        "H5-FLASH-6",
        Confidence::Guess,
        "What happens to a word written while the flash is busy: the bus stalls, or it is buffered, or it is dropped with an error",
        "write eight words without polling and read back; look at NSSR and at the WAIT count",
    ),
    note(
        "H5-FLASH-7",
        Confidence::ThirdParty,
        "Reading the bank that is being written or erased stalls the bus until the end; the other bank stays readable",
        "start a sector erase and read the same bank: SWD must see WAIT",
    ),
    note(
        "H5-FLASH-8",
        Confidence::Verified,
        "FLASH_OPSR records the operation that a reset interrupted; CODE_OP 6 is an option change, 7 an OBK swap",
        "cut power in an erase and read OPSR after reconnecting; read OPSR during an erase",
    ),
    note(
        "H5-FLASH-9",
        Confidence::ThirdParty,
        "Four words that straddle two slots set INCERR alone and write nothing; programming over old data sets no flag and gives old AND new",
        "repeat both on a scratch sector",
    ),
    note(
        "H5-FLASH-10",
        Confidence::Verified,
        "All parts have two banks of 8 KiB sectors: 8 a bank on H503, 16 or 32 on H523/H533, 64 or 128 on H56x",
        "read the flash size word",
    ),
    note(
        "H5-FLASH-11",
        Confidence::Inferred,
        "A quad-word torn by a power cut reads with an ECC error",
        "cut power in programming, many times, and read the slot",
    ),
    note(
        "H5-OB-1",
        Confidence::Verified,
        "An option change is: unlock, write _PRG, set OPTCR.OPTSTRT, wait until BSY clears; _PRG is frozen meanwhile",
        "change a harmless bit (IWDG_STOP) and watch OPTCR and NSSR",
    ),
    note(
        "H5-OB-2",
        Confidence::Svd,
        "While OPTCHANGEERR is set OPTSTRT cannot be set",
        "provoke a refused change, then try a legal one without clearing",
    ),
    note(
        "H5-OB-3",
        Confidence::Inferred,
        "OPTSTRT does not reset the part: the core goes on with the same code, and what a state does to boot and debug begins at the next reset",
        "set 0x17 with a loop running in SRAM and sample the program counter",
    ),
    note(
        "H5-OB-4",
        Confidence::Verified,
        "The option bytes and their bits are those of ST's header and HAL; names are CubeProgrammer's",
        "compare with `-ob displ`",
    ),
    note(
        "H5-OB-5",
        Confidence::Verified,
        "An option change or OBK swap cut by a reset is repaired by unlocking and setting OPTSTRT with _PRG untouched",
        "cut power in an option change, read OPSR, repair, read all option bytes",
    ),
    note("H5-OB-6", Confidence::Inferred, "An option change takes 5 to 60 ms", "time OPTSTRT and BSY"),
    note(
        "H5-OB-7",
        Confidence::ThirdParty,
        "A factory-new H563 reads OPTSR_CUR = OPTSR_PRG = 0x2D30_EDF8",
        "read both on a new part",
    ),
    note(
        "H5-OB-8",
        Confidence::Guess,
        "An option change cut by a power loss does not hide the OBK",
        "on a part with a credential, cut power in an option change and run discovery before any repair",
    ),
];
