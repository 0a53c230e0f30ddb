//! The bench itself: raw bits, doctor, manual, rules; and how quick flash is.

use super::part::{Desk, pattern};
use super::*;
use std::time::Duration;

#[test]
fn raw_bits_wake_the_debug_port() {
    let woken = with("h562", &["seq", "line-reset", "jtag-to-swd", "line-reset", "0x0:8", "--dpidr"]);
    assert_eq!(woken.exit, Exit::Done, "{}", woken.err);
    assert!(woken.out.contains("DPIDR  0x6ba02477"), "{}", woken.out);
    assert_eq!(with("h562", &["seq", "no-such-sequence"]).exit, Exit::Usage);
}

#[test]
fn doctor_says_what_the_probe_can_and_whether_nrst_reaches_the_chip() {
    for probe in PROBES {
        let done = with(&format!("h562,{probe}"), &["doctor", "probe"]);
        assert_eq!(done.exit, Exit::Done, "{probe}: {}", done.err);
        assert!(done.out.contains("good wire") && done.out.contains("KiB/s"), "{probe}: {}", done.out);
        let reset = with(&format!("h562,{probe}"), &["doctor", "reset"]);
        assert!(reset.out.contains("S_RESET_ST"), "{probe}: {}{}", reset.out, reset.err);
    }
    let bad = with("h562,noack=500", &["doctor", "probe"]);
    assert!(bad.out.contains("BAD  wire"), "{} {}", bad.out, bad.err);
    assert_eq!(tool(&["doctor", "usb", "--format", "json"]).exit, Exit::Done);
}

#[test]
fn the_manual_and_the_udev_rules_are_written_where_one_asks() {
    let desk = Desk::of("h562");
    let folder = desk.path("man");
    assert_eq!(tool(&["man", "--out", &folder]).exit, Exit::Done);
    let page = std::fs::read_to_string(format!("{folder}/ackwait-flash-program.1")).unwrap();
    assert!(page.contains("quad"), "{page}");
    let rules = tool(&["udev", "print"]).out;
    assert!(
        rules.contains("ATTRS{idProduct}==\"374e\", TAG+=\"uaccess\"") && !rules.contains("0666"),
        "{rules}"
    );
    assert_eq!(tool(&["udev", "install", "--to", &desk.path("")]).exit, Exit::Done);
    assert_eq!(std::fs::read_to_string(desk.path("70-ackwait.rules")).unwrap(), rules);
}

/// Micros of a field of a JSON answer.
fn micros(all: &serde_json::Value, field: &str) -> Duration {
    Duration::from_micros(all[field].as_u64().unwrap())
}

const SWCLK_KHZ: &str = "10000";
/// One word on the wire at 10 MHz: 46 clocks.
const WORD: Duration = Duration::from_nanos(4600);
/// Words of 1 MiB.
const WORDS: u32 = (1 << 20) / 4;

/// A command about 1 MiB, at 10 MHz.
fn with_mebibyte(desk: &Desk, bus: &str, verb: &str) -> (serde_json::Value, String) {
    let image = desk.path("fw.bin");
    let args =
        ["flash", verb, &image, "--at", "0x0800_0000", "--speed", SWCLK_KHZ, "--format", "json", "--bill"];
    let done = desk.with(bus, &args);
    assert_eq!(done.exit, Exit::Done, "{}", done.err);
    (json(&done), done.err)
}

/// 1 MiB through `flash program`, and what it took to write it.
fn programmed(bus: &str) -> (Desk, Duration) {
    let desk = Desk::of("h562");
    desk.file("fw.bin", &pattern(1 << 20));
    let (all, err) = with_mebibyte(&desk, bus, "program");
    let writing = micros(&all, "writing_us");
    println!("1 MiB at 10 MHz{bus}: {writing:?} to erase, program and read back\n{err}");
    (desk, writing)
}

/// The flash takes 32 us for a quad-word and 2 ms for a sector [H5-FLASH-5], the wire 46 clocks for a word, and every word is read back
/// once. While the flash is busy a bus that stalls takes no word, so words and busy times add up; one that buffers a quad-word takes
/// the next one meanwhile. [H5-FLASH-6]
#[test]
fn a_mebibyte_is_programmed_and_read_back_as_fast_as_flash_and_wire_allow() {
    let (quad, words) = (Duration::from_micros(32), WORD * 4);
    let rest = Duration::from_millis(2) * 128 + WORD * WORDS;
    for (bus, each, limit) in [("", quad + words, 1.0), (",flash.bus=buffered", quad.max(words), 1.06)] {
        let least = each * (WORDS / 4) + rest;
        let (_, writing) = programmed(bus);
        println!("{:.3} of the least, {least:?}", writing.as_secs_f64() / least.as_secs_f64());
        assert!(writing < least.mul_f64(limit), "{bus}: {writing:?} of {least:?}");
    }
}

#[test]
fn a_mebibyte_that_is_there_already_costs_its_reading_and_no_write() {
    let (desk, _) = programmed("");
    let (again, _) = with_mebibyte(&desk, "", "program");
    assert_eq!((&again["kept"], &again["bytes"]), (&128.into(), &0.into()));
    let (comparing, least) = (micros(&again, "comparing_us"), WORD * WORDS);
    println!("comparing: {:.3} of the wire", comparing.as_secs_f64() / least.as_secs_f64());
    assert!(comparing < least.mul_f64(1.1), "{comparing:?} of {least:?}");
    let (all, _) = with_mebibyte(&desk, "", "verify");
    let verifying = micros(&all, "elapsed_us");
    println!("verifying: {:.3} of the wire", verifying.as_secs_f64() / least.as_secs_f64());
    assert!(verifying < least.mul_f64(1.05), "{verifying:?} of {least:?}");
}
