use crate::script::{AP, DP, READ, Script, lines};
use wire::{Level, Secret};

fn story(script: &Script) -> Vec<String> {
    lines(&script.trace(), Level::Action)
}

#[test]
fn connecting_is_one_line() {
    let mut script = Script::new();
    script.ask(
        &[
            0x12, 136, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x9E, 0xE7, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
            0xFF, 0xFF, 0x00,
        ],
        &[0x12, 0],
    );
    script.read(DP, 0, 0x6BA0_2477).write(DP, 0, 0x1E).write(DP, 4, 0x5000_0000).read(DP, 4, 0xF000_0000);
    assert_eq!(story(&script), ["connect: JTAG to SWD, DPIDR 0x6BA0_2477, powered up"]);
}

#[test]
fn a_target_that_does_not_answer_is_said() {
    let mut script = Script::new();
    script.ask(&[0x12, 64, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00], &[0x12, 0]);
    script.ask(&[0x05, 0, 1, DP | READ], &[0x05, 0, 7]);
    assert_eq!(story(&script), ["connect: line reset, DPIDR no ack"]);
}

#[test]
fn a_pulse_on_the_reset_pin_has_a_length() {
    let mut script = Script::new();
    script.ask(&[0x10, 0x00, 0x80, 0, 0, 0, 0], &[0x10, 0x03]);
    script.ask(&[0x10, 0x80, 0x80, 0, 0, 0, 0], &[0x10, 0x83]);
    assert_eq!(story(&script), ["reset pulse on nRESET, 100.0 µs"]);
}

#[test]
fn key_sequences_are_unlocks_and_wrong_ones_are_said() {
    let mut script = Script::new();
    script.ap1().poke(0x4002_2004, 0x4567_0123).poke(0x4002_2004, 0xCDEF_89AB);
    script.poke(0x4002_200C, 0x0819_2A3B).poke(0x4002_200C, 0x0819_2A3B);
    assert_eq!(story(&script), ["unlock flash", "unlock option bytes: refused until reset (key 1, key 1)"]);
}

#[test]
fn an_erase_carries_its_sector_and_its_wait() {
    let mut script = Script::new();
    // SER, SNB 3, STRT, bank 2.
    script.ap1().poke(0x4002_2028, 0x8000_00E4).peek(0x4002_2020, 1).peek(0x4002_2020, 0);
    assert_eq!(story(&script), ["erase sector 3 of bank 2, in 500.0 µs, 2 polls"]);
}

#[test]
fn a_wait_that_looks_at_status_and_control_is_one_line_and_the_next_lock_check_is_not_part_of_it() {
    let mut script = Script::new();
    script.ap1().poke(0x4002_2028, 0x24);
    for busy in [1, 1, 0x0001_0000] {
        script.peek(0x4002_2020, busy).peek(0x4002_2028, 0x24);
    }
    script.peek(0x4002_201C, 1);
    let story = story(&script);
    assert_eq!(story.len(), 2, "{story:?}");
    assert!(
        story[0].starts_with("erase sector 0 of bank 1, in ") && story[0].ends_with(", 3 polls"),
        "{story:?}"
    );
    assert_eq!(story[1], "FLASH_OPTCR read OPTLOCK=1 (0x0000_0001)");
}

#[test]
fn programming_is_one_line_whatever_paces_it() {
    let mut script = Script::new();
    script.ap1().poke(0x4002_2028, 2);
    for quad in 0..3u32 {
        for word in 0..4u32 {
            script.poke(0x0800_2000 + quad * 16 + word * 4, 0x1111_0000 + word);
        }
        script.peek(0x4002_2020, 0);
    }
    let story = story(&script);
    assert_eq!(story.len(), 2, "{story:?}");
    assert_eq!(story[0], "FLASH_NSCR write PG=1 (0x0000_0002)");
    assert!(story[1].starts_with("program flash 0x0800_2000, 48 bytes, in "), "{story:?}");
    assert!(story[1].ends_with(", 3 polls"), "{story:?}");
}

#[test]
fn a_value_match_paces_programming_too() {
    let mut script = Script::new();
    script.ap1().ask(&[0x05, 0, 1, 0x20, 0x0B, 0, 0, 0], &[0x05, 1, 1]);
    script.poke(0x0800_0000, 1).poke(0x0800_0004, 2);
    script.write(AP, 0, 0x2300_0002).write(AP, 4, 0x4002_2020);
    script.ask(&[0x05, 0, 1, AP | READ | 0x10 | 0xC, 0, 0, 0, 0], &[0x05, 1, 1]);
    let story = story(&script);
    assert_eq!(story.len(), 1, "{story:?}");
    assert!(story[0].starts_with("program flash 0x0800_0000, 8 bytes"), "{story:?}");
    assert!(story[0].contains("polled by the probe"), "{story:?}");
}

/// What the driver does when the bus stalls by itself: words, and one wait at the end.
#[test]
fn a_stream_with_one_wait_behind_it_is_not_called_paced() {
    let mut script = Script::new();
    script.ap1().ask(&[0x05, 0, 1, 0x20, 0x0B, 0, 0, 0], &[0x05, 1, 1]);
    for word in 0..8 {
        script.poke(0x0800_0000 + word * 4, word);
    }
    script.write(AP, 0, 0x2300_0002).write(AP, 4, 0x4002_2020);
    script.ask(&[0x05, 0, 1, AP | READ | 0x10 | 0xC, 0, 0, 0, 0], &[0x05, 1, 1]);
    let story = story(&script);
    assert_eq!(story.len(), 1, "{story:?}");
    assert!(story[0].starts_with("program flash 0x0800_0000, 32 bytes"), "{story:?}");
    assert!(!story[0].contains("poll"), "{story:?}");
}

#[test]
fn a_wait_in_the_probe_names_the_fields_it_waited_for() {
    let mut script = Script::new();
    script.ap1().write(AP, 0, 0x2300_0002).write(AP, 4, 0x4002_2020);
    script.ask(&[0x05, 0, 2, 0x20, 0x0B, 0, 0, 0, AP | READ | 0x10 | 0xC, 0, 0, 0, 0], &[0x05, 1, 0x11]);
    let story = story(&script);
    assert_eq!(story.len(), 1, "{story:?}");
    assert!(
        story[0].starts_with("wait for FLASH_NSSR BSY=0 WBNE=0 DBNE=0, polled by the probe"),
        "{story:?}"
    );
    assert!(story[0].contains("not reached"), "{story:?}");
}

#[test]
fn an_option_change_names_the_fields_that_change() {
    let mut script = Script::new();
    // OPTSR_CUR: OPEN; OPTSR_PRG: PROVISIONING; OPTSTRT; wait.
    script.ap1().peek(0x4002_2050, 0x2D30_EDF8).poke(0x4002_2054, 0x2D30_17F8).peek(0x4002_2054, 0x2D30_17F8);
    script.poke(0x4002_201C, 2).peek(0x4002_2020, 1).peek(0x4002_2020, 0);
    let story = story(&script);
    assert_eq!(story.len(), 2, "{story:?}");
    assert!(story[1].starts_with("change option bytes: PRODUCT_STATE OPEN -> PROVISIONING"), "{story:?}");
    assert!(story[1].ends_with("2 polls"), "{story:?}");
}

#[test]
fn an_obk_write_shows_place_and_length_and_no_value() {
    let mut script = Script::with(crate::Secrets::Shown);
    script.ap1().write(AP, 4, 0x0FFD_0100);
    let mut request = vec![0x06, 0, 4, 0, AP | 0xC];
    request.extend(b"correcthorsebatt");
    script.send_secret(&request, &Secret(std::iter::once(5..21).collect())).receive(&[0x06, 4, 0, 1]);
    let story = story(&script);
    assert_eq!(story.len(), 1, "{story:?}");
    assert!(story[0].starts_with("write OBK 0x0FFD_0100, 16 bytes «secret»"), "{story:?}");
}

#[test]
fn obk_sector_control_is_named() {
    let mut script = Script::new();
    script.ap1().poke(0x4002_2040, 0x01FF_000C).peek(0x4002_2020, 0).poke(0x4002_2040, 0x0010_0002);
    let story = story(&script);
    assert!(story[0].starts_with("erase the alternate OBK sector"), "{story:?}");
    assert_eq!(story[1], "swap the OBK sectors, SWAP_OFFSET 16, in 100.0 µs");
}

/// Four words to OBK, as HAL does it: PG, ALT_SECT, words, wait, both taken back.
fn quad_word(script: &mut Script, at: u32, status: u32) {
    script.poke(0x4002_2028, 2).poke(0x4002_2040, 0x01FF_0004);
    for word in 0..4 {
        script.poke(at + 4 * word, 0xA5A5_0000 + word);
    }
    script.peek(0x4002_2020, 1).peek(0x4002_2028, 2).peek(0x4002_2020, status);
    script.poke(0x4002_2028, 0).poke(0x4002_2040, 0x01FF_0000);
}

#[test]
fn obk_written_quad_word_by_quad_word_is_one_line() {
    let mut script = Script::new();
    script.ap1();
    quad_word(&mut script, 0x0BFD_0100, 0x1_0000);
    quad_word(&mut script, 0x0BFD_0110, 0x1_0000);
    quad_word(&mut script, 0x0BFD_0200, 0x0020_0000);
    script.poke(0x4002_2040, 0x01FF_0000).poke(0x4002_2040, 0x01FF_0002);
    let story = story(&script);
    assert_eq!(story.len(), 4, "{story:?}");
    assert!(story[0].starts_with("write OBK 0x0BFD_0100, 32 bytes, in "), "{story:?}");
    assert!(story[0].ends_with(", 4 polls"), "{story:?}");
    assert!(story[1].starts_with("write OBK 0x0BFD_0200, 16 bytes"), "{story:?}");
    assert!(story[1].ends_with(", 2 polls: OBKERR=1"), "{story:?}");
    assert!(story[2].starts_with("FLASH_NSOBKCFGR write "), "{story:?}");
    assert!(story[3].starts_with("swap the OBK sectors"), "{story:?}");
}

#[test]
fn an_operation_that_ends_badly_or_not_at_all_says_so() {
    let mut script = Script::new();
    script.ap1().poke(0x4002_2028, 0xE4).peek(0x4002_2020, 0x0002_0000);
    script.poke(0x4002_201C, 2).peek(0x4002_2020, 0x0080_0000);
    script.poke(0x4002_2028, 0xE4).peek(0x4002_2020, 1).peek(0x4002_2020, 1);
    let story = story(&script);
    assert!(story[0].ends_with(", 1 poll: WRPERR=1"), "{story:?}");
    assert!(story[1].ends_with(", 1 poll: OPTCHANGEERR=1"), "{story:?}");
    assert!(story[2].ends_with(", 2 polls: BSY=1"), "{story:?}");
}

#[test]
fn reading_all_option_registers_is_one_line_with_what_changed_and_what_is_to_come() {
    let mut script = Script::new();
    let dump = |script: &mut Script, now: u32, programmed: u32| {
        script.ap1().peek(0x4002_2050, now).peek(0x4002_2054, programmed);
        for pair in [0x60, 0x68, 0x80, 0x90] {
            script.peek(0x4002_2000 + pair, 0).peek(0x4002_2004 + pair, 0);
        }
    };
    dump(&mut script, 0x2D30_EDF8, 0x2D30_EDF8);
    dump(&mut script, 0x2D30_EDF8, 0x2D30_17F8);
    dump(&mut script, 0x2D30_17F8, 0x2D30_17F8);
    let story = story(&script);
    let told: Vec<&str> = story.iter().map(|line| line.split(", in ").next().unwrap()).collect();
    assert_eq!(
        told,
        [
            "read 10 option registers, PRODUCT_STATE=OPEN",
            "read 10 option registers, PRODUCT_STATE=OPEN, to be programmed: PRODUCT_STATE OPEN -> PROVISIONING",
            "read 10 option registers, PRODUCT_STATE=PROVISIONING, changed: PRODUCT_STATE OPEN -> PROVISIONING",
        ]
    );
}

#[test]
fn a_few_option_registers_are_shown_as_reads() {
    let mut script = Script::new();
    script.ap1().peek(0x4002_2050, 0x2D30_EDF8).peek(0x4002_2070, 0xC300_005C);
    assert_eq!(story(&script).len(), 2);
}

/// A discovery with these items, whose device wants several looks before its first word.
fn discovery(items: &[u8]) -> Script {
    let mut script = Script::new();
    script.write(DP, 8, 0).write(AP, 0, 0x0300_0002);
    script.peek(0xE004_4108, 0).poke(0xE004_4100, 0x0001_0000).poke(0xE004_4100, 0).peek(0xE004_4108, 2);
    let words: Vec<u32> = items
        .chunks(4)
        .map(|chunk| (0..4).rev().fold(0, |w, i| w << 8 | u32::from(*chunk.get(i).unwrap_or(&0))))
        .collect();
    script.peek(0xE004_4104, 0).peek(0xE004_4104, u32::try_from(words.len()).unwrap());
    words.into_iter().for_each(|word| {
        script.peek(0xE004_4104, word);
    });
    script
}

fn item(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0];
    bytes.extend(kind.to_le_bytes());
    bytes.extend(u32::try_from(value.len()).unwrap().to_le_bytes());
    bytes.extend(value);
    bytes
}

#[test]
fn a_discovery_tells_state_keys_and_the_way_back() {
    let mut mask = [0; 16];
    mask[..2].copy_from_slice(&[0x77, 0x50]);
    let tight = [item(1, &[1, 0]), item(8, &[0x20, 0x17]), item(0x8000, &[0xEA; 4]), item(7, &mask)].concat();
    let told = &story(&discovery(&tight))[0];
    let words = "mailbox: DISCOVERY (2 words) -> SUCCESS, 16 words: PROVISIONING (0x17), keys whole, full regression permitted, in ";
    assert!(told.starts_with(words), "{told}");

    // Padded to words, the class second, no keys.
    let mut padded = item(8, &[0x27, 0x30]);
    padded.extend([0, 0]);
    padded.extend(item(0x8000, &[0xF5; 4]));
    let told = &story(&discovery(&padded))[0];
    assert!(told.contains("SUCCESS, 8 words: CLOSED (0x72), no keys, or broken ones, in "), "{told}");

    // Nothing of it can be read.
    let told = &story(&discovery(&[1, 2, 3, 4, 5, 6, 7, 8, 9]))[0];
    assert!(told.contains("SUCCESS, 5 words, in "), "{told}");
}

#[test]
fn a_mailbox_exchange_names_command_and_status() {
    let mut script = Script::new();
    script.write(DP, 8, 0).write(AP, 0, 0x0300_0002);
    script.poke(0xE004_4100, 0x0001_0000).peek(0xE004_4108, 0).poke(0xE004_4100, 0).peek(0xE004_4108, 2);
    script.peek(0xE004_4104, 0).peek(0xE004_4104, 1).peek(0xE004_4104, 0x1234);
    script.poke(0xE004_4100, 0x0002_0000);
    let story = story(&script);
    assert!(story[0].starts_with("mailbox: DISCOVERY (2 words) -> SUCCESS, 3 words"), "{story:?}");
    assert!(story[1].starts_with("mailbox: AUTH_START (1 word) -> no answer"), "{story:?}");
}

#[test]
fn the_core_is_halted_read_and_let_go() {
    let mut script = Script::new();
    script.ap1().poke(0xE000_EDF0, 0xA05F_0003).peek(0xE000_EDF0, 0x0003_0003);
    script.poke(0xE000_EDF4, 15).peek(0xE000_EDF0, 0x0001_0000).peek(0xE000_EDF8, 0x0800_0130);
    script.poke(0xE000_EDF8, 0x2000_1000).poke(0xE000_EDF4, 0x0001_000D);
    script.poke(0xE000_EDF0, 0xA05F_0001).poke(0xE000_ED0C, 0x05FA_0004);
    assert_eq!(
        story(&script),
        [
            "halt the core: halted",
            "core PC = 0x0800_0130",
            "core SP := 0x2000_1000",
            "let the core run",
            "system reset (AIRCR.SYSRESETREQ)",
        ]
    );
}

#[test]
fn many_reads_of_one_register_are_a_wait() {
    let mut script = Script::new();
    script.ap1();
    for _ in 0..5 {
        script.peek(0x4402_40FC, 0x0001_0003);
    }
    script.peek(0x4402_40FC, 0x0003_0003);
    let story = story(&script);
    assert_eq!(story.len(), 1, "{story:?}");
    assert!(story[0].starts_with("wait DBGMCU_SR ×6 over "), "{story:?}");
}

#[test]
fn what_no_pattern_knows_stays_as_it_is() {
    let mut script = Script::new();
    script.ap1().peek(0x4402_4000, 0x1006_6484).read(DP, 4, 0xF000_0000);
    let story = story(&script);
    assert_eq!(story.len(), 2, "{story:?}");
    assert!(story[0].starts_with("DBGMCU_IDCODE read DEV_ID="), "{story:?}");
    assert!(story[1].starts_with("CTRL/STAT read "), "{story:?}");
}

#[test]
fn an_action_knows_its_accesses() {
    let mut script = Script::new();
    script.ap1().poke(0x4002_2004, 0x4567_0123).poke(0x4002_2004, 0xCDEF_89AB);
    let trace = script.trace();
    let crate::Body::Action(action) = &trace.events(Level::Action)[0].body else { panic!("an action") };
    let below: Vec<String> =
        trace.events(Level::Meaning)[action.of.clone()].iter().map(crate::line).collect();
    assert_eq!(below, ["FLASH_NSKEYR write key 1", "FLASH_NSKEYR write key 2"]);
}
