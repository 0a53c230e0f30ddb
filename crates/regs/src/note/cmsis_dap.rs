//! Notes of `vendor-notes/cmsis-dap.md`.

use super::{Confidence, Note, note};

pub(super) const NOTES: &[Note] = &[
    note(
        "DAP-1",
        Confidence::Verified,
        "Requests and responses are one packet each: command byte, little-endian fields; the response repeats the command byte",
        "DAP_Info on any probe",
    ),
    note(
        "DAP-2",
        Confidence::Verified,
        "In DAP_Transfer AP reads are posted by the probe and flushed by an RDBUFF read before anything that is not a plain AP read",
        "compare transaction counts on a logic analyser",
    ),
    note(
        "DAP-3",
        Confidence::Verified,
        "After a write that is not followed by a read the probe reads RDBUFF once more, and that ACK becomes the response's ACK",
        "a list of one AP write is two transactions on the wire",
    ),
    note(
        "DAP-4",
        Confidence::Verified,
        "A transaction answered WAIT is attempted at most wait_retry + 1 times, back to back; FAULT, no ACK and parity errors are never retried",
        "stall the bus and count attempts",
    ),
    note(
        "DAP-5",
        Confidence::Verified,
        "On an error the transfer count can be one higher than the number of data words",
        "read an unmapped address in the middle of a list",
    ),
    note(
        "DAP-6",
        Confidence::Verified,
        "Value match re-reads a register until (data AND mask) equals the value, at most match_retry + 1 times; on success no data word is returned",
        "poll a register that changes, with match_retry 1000",
    ),
    note(
        "DAP-7",
        Confidence::Verified,
        "DAP_TransferBlock counts data words: the posting read is not counted, a failing first read gives 0, a failing final write check gives N with a bad ACK",
        "block read of an unmapped address",
    ),
    note(
        "DAP-8",
        Confidence::Verified,
        "A probe holds packet_count requests of packet_size bytes; responses come in the order of the requests",
        "DAP_Info 0xFE and 0xFF",
    ),
    note(
        "DAP-9",
        Confidence::Verified,
        "DAP_TransferAbort has no response; it ends a running DAP_Transfer or DAP_TransferBlock, which answers with what it had",
        "send 0x07 during a long block with a stalled bus",
    ),
    note(
        "DAP-10",
        Confidence::Verified,
        "An unknown command is answered with the single byte 0xFF",
        "send 0x9F",
    ),
    note(
        "DAP-11",
        Confidence::Verified,
        "The ACK field of a response is 1 OK, 2 WAIT, 4 FAULT, 7 no ACK; a data parity error gives 8 alone",
        "inject a parity error",
    ),
    note(
        "DAP-12",
        Confidence::Verified,
        "Firmware differs: attempts, posting, final write check, idle clocks and counts are not the same in free-dap, dap-rs and vendor probes",
        "run the probe conformance commands and compare with the reference model",
    ),
    note(
        "DAP-13",
        Confidence::ThirdParty,
        "A USB round trip takes 1 to 2 ms on full speed, 125 to 250 µs on high speed, 1 ms a report each way on HID",
        "time 1000 DAP_Info requests",
    ),
    note(
        "DAP-14",
        Confidence::Verified,
        "free-dap: attempts and match reads are the numbers given, not one more; one packet of 64 bytes; a sequence of 256 bits does nothing; the wait of DAP_SWJ_Pins is taken for milliseconds",
        "DAP_SWJ_Pins with a wait of 100 takes 100 ms",
    ),
    note(
        "DAP-15",
        Confidence::Verified,
        "dap-rs: an RDBUFF read behind every AP read, no check behind the last write, no idle clocks, attempts as given, and counts that include the refused item",
        "read and write an unmapped address",
    ),
    note(
        "DAP-16",
        Confidence::ThirdParty,
        "EDBG performs a command when 512 bytes have come, and forgets SWJ_Clock behind SWJ_Sequence",
        "send a report of 64 bytes eight times",
    ),
    note(
        "DAP-17",
        Confidence::Verified,
        "DAP_Info 04 is the firmware's own version in DAPLink 0254 and 0255, EDBG and dap-rs, and 1.10 in MCU-Link",
        "DAP_Info 04",
    ),
    note(
        "DAP-18",
        Confidence::ThirdParty,
        "Orbtrace up to 1.3.1 sends an empty transfer behind an answer that fills a packet",
        "read as many words as fill a packet",
    ),
    note(
        "DAP-19",
        Confidence::User,
        "WCH-Link 1.x says CMSIS-DAP in the string of its serial port only, has no DAP_SWD_Sequence, and can lock up behind the last multi-drop address",
        "`lsusb -v`, then DAP_SWD_Sequence",
    ),
    note("DAP-20", Confidence::User, "Some probes end a transfer early and say OK", "none known"),
    note(
        "DAP-21",
        Confidence::Verified,
        "An answer carries no number: one that comes twice cannot be told from the answer to the next question of the same shape",
        "none; USB itself tells a repeated packet by its data toggle, so this takes a broken hub, driver or firmware",
    ),
];
