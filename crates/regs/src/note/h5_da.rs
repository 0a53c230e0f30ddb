//! Notes of `vendor-notes/stm32h5-da.md`.

use super::{Confidence, Note, note};

pub(super) const NOTES: &[Note] = &[
    note(
        "H5-DA-1",
        Confidence::Verified,
        "A session begins with NRST low, a magic word in DBG_AUTH_HOST, NRST high; the ROM answers in DBG_AUTH_DEVICE",
        "watch NRST and AP0 traffic in a discovery by ST's tool",
    ),
    note(
        "H5-DA-2",
        Confidence::Guess,
        "On the H5 the magic word is 0x5354_4441 (\"STDA\") and the answer 0x4441_4F4B (\"DAOK\")",
        "read DBG_AUTH_HOST after ST's tool wrote it",
    ),
    note(
        "H5-DA-3",
        Confidence::Verified,
        "DBG_AUTH_ACK bit 0 is set when the debugger writes HOST and cleared when the device reads it; bit 1 likewise for DEVICE",
        "write HOST with the ROM not listening, read ACK",
    ),
    note(
        "H5-DA-4",
        Confidence::Verified,
        "Packets are words: command or status in the upper half of the first word, count of data words in the second, then data; no other framing",
        "record a discovery",
    ),
    note(
        "H5-DA-5",
        Confidence::Verified,
        "Items are {u16 0, u16 type, u32 length, bytes}, packed without padding",
        "parse a recorded discovery",
    ),
    note(
        "H5-DA-6",
        Confidence::ThirdParty,
        "Password flow: DISCOVERY, AUTH_START (answer 9 words), AUTH_RESPONSE with one password item, status 0 or 1",
        "record a regression by ST's tool",
    ),
    note(
        "H5-DA-7",
        Confidence::Verified,
        "Discovery's item 8000 is EAEAEAEA when provisioned and F5F5F5F5 when not",
        "discovery before and after provisioning",
    ),
    note(
        "H5-DA-8",
        Confidence::Inferred,
        "Permission bits: 14 full regression, 12 regression to TZ-CLOSED, 6 5 4 debug from level 3 2 1, 2 1 0 non-secure debug from level 3 2 1",
        "discovery with masks of one bit",
    ),
    note(
        "H5-DA-9",
        Confidence::Guess,
        "The life cycle item is two bytes: Arm's class (0x10, 0x20, 0x30), and the product state code, in an order that is not known for the H5",
        "discovery in every state and compare with OPTSR",
    ),
    note(
        "H5-DA-10",
        Confidence::ThirdParty,
        "The other side gets 50 ms a word and 1 s a reply",
        "time a discovery",
    ),
    note(
        "H5-DA-11",
        Confidence::Guess,
        "A wrong password is answered with status 1 and changes nothing",
        "send a wrong password, then the right one",
    ),
    note(
        "H5-DA-12",
        Confidence::ThirdParty,
        "A full regression erases, goes back to OPEN and resets by itself",
        "regress and time until AP1 opens",
    ),
];
