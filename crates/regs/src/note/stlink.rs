//! Notes of `vendor-notes/stlink.md`.

use super::{Confidence, Note, note};

pub(super) const NOTES: &[Note] = &[
    note(
        "STL-1",
        Confidence::Verified,
        "A command is one OUT packet of 16 bytes padded with zeros, followed by at most one data phase, OUT or IN",
        "watch any driver with usbmon",
    ),
    note(
        "STL-2",
        Confidence::Verified,
        "F1 gives hardware and firmware numbers as a big-endian word of 4, 6 and 6 bits; where they are 3, 0 and 0 command FB gives them as bytes",
        "send F1 and FB to a V3",
    ),
    note(
        "STL-3",
        Confidence::Verified,
        "Status 0x80 is OK; 0x10 and 0x14 are WAIT, 0x11 and 0x15 FAULT, 0x12 and 0x16 another ack, 0x13 and 0x17 parity, 0x1D an access port that was not opened",
        "read an unmapped address",
    ),
    note(
        "STL-4",
        Confidence::Verified,
        "Abilities come with the firmware number, different for V2 and V3",
        "none needed",
    ),
    note(
        "STL-5",
        Confidence::Verified,
        "From V2J37 and V3J7 on an access port must be opened with F2 4B before it is used, else the status is 0x1D",
        "read a register of AP1 without F2 4B",
    ),
    note(
        "STL-6",
        Confidence::Verified,
        "Memory commands carry the access port in byte 8 and CSW bits 31:8 in bytes 9 to 11; their status must be asked for, and is that of the last one only",
        "write to an unmapped address, then F2 3E",
    ),
    note(
        "STL-7",
        Confidence::ThirdParty,
        "A V3 whose access port is stalled answers WAIT once, then FAULT to the same command, and later OK with the pending result",
        "stall the bus with a flash erase from the same bank and read",
    ),
    note(
        "STL-8",
        Confidence::Verified,
        "F2 46 to an access port answers before the write has reached the bus; reading RDBUFF tells what became of it",
        "write DRW with TAR at an unmapped address",
    ),
    note(
        "STL-9",
        Confidence::Inferred,
        "RW_MISC takes one op byte per item padded to four, then one word per item; it answers all values and then all statuses, and goes on behind an item that failed",
        "read an unmapped address, then a good one",
    ),
    note(
        "STL-10",
        Confidence::Verified,
        "The firmware keeps SELECT, TAR, CSW, retries, idle clocks and turnaround to itself, has no line sequences, no pin but nRESET, no TARGETSEL and no value match",
        "none needed",
    ),
    note(
        "STL-11",
        Confidence::Verified,
        "A V2 takes SWCLK as a divisor from a fixed table, a V3 takes kHz from the list it gives",
        "F2 62 on a V3",
    ),
    note(
        "STL-12",
        Confidence::Verified,
        "The mode must be left by the command that belongs to it: DFU by F3 07, SWIM by F4 01, debug by F2 21; leaving debug mode closes every access port",
        "F5 before and after",
    ),
    note(
        "STL-13",
        Confidence::User,
        "F2 30 A3 wakes the debug port and powers it up without touching the core or nRESET's level as the host left it",
        "a logic analyser on nRESET while entering",
    ),
    note(
        "STL-14",
        Confidence::ThirdParty,
        "F2 3E answers 12 bytes: status, two bytes, the address of the fault, four bytes",
        "read across the end of SRAM",
    ),
    note(
        "STL-15",
        Confidence::Verified,
        "Debug is interface 0 with endpoints by USB product number: 3748 has OUT 2, IN 1, trace 3; all others OUT 1, IN 1, trace 2",
        "`lsusb -v`",
    ),
    note(
        "STL-16",
        Confidence::Inferred,
        "A register write that is answered WAIT was not performed",
        "stall the bus, write TAR, and read it back later",
    ),
    note(
        "STL-20",
        Confidence::Verified,
        "A V2J17 works without idle clocks, keeps SELECT and CSW, repeats a WAIT at once, reads words through DRW and RDBUFF, and looks at CTRL/STAT two clocks after a write",
        "record SWCLK and SWDIO of another firmware while OpenOCD connects",
    ),
    note(
        "STL-21",
        Confidence::Guess,
        "The firmware gives up on WAIT after a number of tries that is not known",
        "stall the bus and count attempts on a logic analyser",
    ),
    note(
        "STL-22",
        Confidence::Guess,
        "The firmware clears the sticky flags itself after a memory command that failed, but not after F2 45 and F2 46",
        "read an unmapped address by F2 07, then CTRL/STAT by F2 45",
    ),
    note(
        "STL-23",
        Confidence::Guess,
        "F2 4B reads IDR and refuses an access port without one",
        "F2 4B on an access port that does not exist",
    ),
    note(
        "STL-24",
        Confidence::Guess,
        "The firmware writes TAR again at every KiB of a memory command",
        "read 2 KiB and look at the wire",
    ),
    note(
        "STL-25",
        Confidence::Guess,
        "F2 3C 02 drives nRESET low for about a millisecond",
        "an oscilloscope on nRESET",
    ),
    note(
        "STL-26",
        Confidence::ThirdParty,
        "A memory write in words or half-words may be as long as its 16-bit length can say; a read ends at 6144 bytes",
        "write 64 KiB with one F2 08 of 65532 bytes, then F2 3E; read it back in pieces",
    ),
    note(
        "STL-27",
        Confidence::User,
        "Clones of the V2 work with ST's firmware; some have a serial number that is not 12 bytes long, and on many nRESET does not reach the connector",
        "drive nRESET low by F2 3C 00 and measure at the connector",
    ),
    note(
        "STL-28",
        Confidence::Guess,
        "Firmware that wants access ports to be opened still gives AP0 after ENTER, and the IDR of the others",
        "after F2 30 A3, F2 45 of IDR and of TAR on AP0 and AP1 without F2 4B",
    ),
    note(
        "STL-29",
        Confidence::Guess,
        "A probe that waits for the data of a write takes whatever comes next for data, a command too, until USB is reset",
        "F2 08 for 64 bytes of SRAM, then 16 bytes of data and F5; read the 64 bytes",
    ),
    note(
        "STL-30",
        Confidence::Guess,
        "The firmware writes the data of a write to the target as it comes, takes no more ahead than 6144 bytes, and throws away what comes behind a word that failed",
        "F2 08 of 65532 bytes at 5 kHz: watch with usbmon when its packets are taken",
    ),
];
