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
    note(
        "H5-DA-13",
        Confidence::Verified,
        "A certificate is an item of type 0201 with 212 bytes: version 1.0, types, role, usage, life cycle, extensions, class, id, permissions, public key, hash of the extensions, signature",
        "take a certificate of STM32TrustedPackageCreator apart",
    ),
    note(
        "H5-DA-14",
        Confidence::Inferred,
        "A token is an item of type 0200 with 120 bytes: version, signature type, extensions, what is asked for, hash of the extensions, signature; the signature covers what stands before it and then the 32 bytes of the challenge",
        "record an authentication by ST's tool and check its signature",
    ),
    note(
        "H5-DA-15",
        Confidence::Inferred,
        "AUTH_RESPONSE takes one item each: the root whose key's hash is provisioned, then each certificate signed with the key before it, then a token signed with the last key; certificates are answered with status 2",
        "send a chain in another order",
    ),
    note(
        "H5-DA-16",
        Confidence::ThirdParty,
        "What is permitted is the provisioned mask and the mask of each certificate and what the token asks for; a request outside of it is refused",
        "a leaf without bit 6, a token with it",
    ),
    note(
        "H5-DA-17",
        Confidence::ThirdParty,
        "SOC_CLASS and SOC_ID of a certificate bind it to a DEV_ID and to one part; zero binds to nothing",
        "a certificate for another part",
    ),
    note(
        "H5-DA-18",
        Confidence::Inferred,
        "A token for debug opens AP1 when the code reaches the level it names; secure memory only with an intrusive permission; a system reset ends it, or a power reset where DBGMCU_CR.DCRT is set",
        "open debug of level 1 and 3 with a program that stays at level 1; read DBGMCU_SR through AP0",
    ),
    note(
        "H5-DA-19",
        Confidence::ThirdParty,
        "A partial regression erases what is non-secure and leaves TZ-CLOSED; what is secure stays",
        "regress a part with secure and non-secure code and look at both",
    ),
    note(
        "H5-DA-20",
        Confidence::User,
        "Debug is closed by LOCK_DEBUG in a session of its own; AP1 then stays shut until a reset",
        "open debug, close it, look at DBGMCU_SR; reset and look again",
    ),
];
