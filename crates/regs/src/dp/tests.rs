use super::*;

#[test]
fn request_bytes_are_those_of_the_published_tables() {
    let table = [
        (false, true, DPIDR, 0xA5),
        (false, false, ABORT, 0x81),
        (false, true, CTRL_STAT, 0x8D),
        (false, false, CTRL_STAT, 0xA9),
        (false, false, SELECT, 0xB1),
        (false, true, RESEND, 0x95),
        (false, true, RDBUFF, 0xBD),
        (false, false, TARGETSEL, 0x99),
        (true, true, 0x0, 0x87),
        (true, false, 0x0, 0xA3),
        (true, true, 0x4, 0xAF),
        (true, false, 0x4, 0x8B),
        (true, true, 0x8, 0xB7),
        (true, false, 0x8, 0x93),
        (true, true, 0xC, 0x9F),
        (true, false, 0xC, 0xBB),
    ];
    for (ap, read, address, byte) in table {
        assert_eq!(request(ap, read, address), byte, "ap {ap} read {read} address {address:#x}");
    }
}

#[test]
fn every_request_has_even_parity_start_park_and_no_stop_bit() {
    for bits in 0..16u8 {
        let byte = request(bits & 1 != 0, bits & 2 != 0, (bits >> 2) << 2);
        assert_eq!(byte & 0b1100_0001, 0b1000_0001);
        assert_eq!((byte & 0b0011_1110).count_ones() % 2, 0);
    }
}

#[test]
fn a_bank_changes_the_name_of_address_4_only_for_banked_registers() {
    assert_eq!(name(true, 0x4, 0), "CTRL/STAT");
    assert_eq!(name(true, 0x4, 1), "DLCR");
    assert_eq!(name(true, 0x4, 2), "TARGETID");
    assert_eq!(name(true, 0x4, 3), "DLPIDR");
    assert_eq!(name(false, 0x4, 5), "SELECT1");
    assert_eq!(name(false, 0x8, 2), "SELECT");
    assert_eq!(name(true, 0xC, 2), "RDBUFF");
    assert_eq!(name(false, 0x0, 3), "ABORT");
}

#[test]
fn every_named_register_is_in_the_table_unless_it_belongs_to_dpv3() {
    let v3 = ["DPIDR1", "BASEPTR0", "BASEPTR1", "SELECT1", "DP 0x4 (unknown bank)"];
    for read in [false, true] {
        for address in [0x0, 0x4, 0x8, 0xC] {
            for bank in 0..16 {
                let name = name(read, address, bank);
                assert!(register(read, address, bank).is_some() || v3.contains(&name), "{name}");
            }
        }
    }
}

#[test]
fn the_stm32h5_dpidr_reads_as_dpv2_of_arm() {
    let dpidr = Dpidr(crate::h5::device::DPIDR);
    assert_eq!((dpidr.version(), dpidr.part(), dpidr.revision()), (2, 0xBA, 6));
    assert_eq!((dpidr.designer(), dpidr.min(), dpidr.is_valid()), (0x23B, false, true));
    assert_eq!(dpidr.to_string(), "0x6ba02477 (DPv2, part 0xba, rev 6, designer 0x23b)");
}

#[test]
fn an_undriven_line_is_no_dpidr() {
    assert!(!Dpidr(u32::MAX).is_valid());
    assert!(!Dpidr(0).is_valid());
}

#[test]
fn targetid_names_part_and_designer() {
    let id = TargetId(0x1484_0041);
    assert_eq!((id.revision(), id.part(), id.designer()), (1, 0x4840, 0x20));
    assert_eq!(id.without_revision(), 0x0484_0041);
}

#[test]
fn ctrl_stat_is_described_by_its_bits() {
    let register = register(true, CTRL_STAT, 0).expect("a known register");
    let value = ctrl_stat::PWRUPREQ | ctrl_stat::PWRUPACK | ctrl_stat::STICKYERR;
    assert_eq!(
        register.describe(value),
        "STICKYERR=1 CDBGPWRUPREQ=1 CDBGPWRUPACK=1 CSYSPWRUPREQ=1 CSYSPWRUPACK=1"
    );
    assert_eq!(ctrl_stat::PWRUPREQ, 0x5000_0000);
    assert_eq!(abort::CLEAR_ALL, 0x1E);
}

#[test]
fn select_puts_its_parts_where_adiv5_has_them() {
    assert_eq!(select::value(1, 0xF, 2), 0x0100_00F2);
    assert_eq!(select::value(0xFF, 0x1F, 0x1F), 0xFF00_00FF);
}

/// Bits as they go over the wire.
fn bits(sequence: &LineSequence) -> Vec<bool> {
    let all = sequence.bytes.iter().flat_map(|byte| (0..8).map(move |n| byte & (1 << n) != 0));
    all.take(usize::from(sequence.bits)).collect()
}

#[test]
fn line_sequences_have_the_published_lengths() {
    let lengths = [
        (&LINE_RESET, 64),
        (&JTAG_TO_SWD, 136),
        (&SWD_TO_JTAG, 80),
        (&JTAG_TO_SWD_OLD, 16),
        (&SWD_TO_DORMANT, 72),
        (&DORMANT_TO_SWD, 224),
        (&JTAG_TO_DORMANT, 40),
        (&DORMANT_TO_JTAG, 160),
    ];
    for (sequence, length) in lengths {
        assert_eq!(sequence.bits, length, "{}", sequence.name);
        assert_eq!(sequence.bytes.len(), usize::from(length.div_ceil(8)), "{}", sequence.name);
    }
    assert_eq!(SEQUENCES.len(), lengths.len());
}

#[test]
fn sequences_that_end_in_swd_end_in_a_line_reset() {
    for sequence in [&LINE_RESET, &JTAG_TO_SWD, &DORMANT_TO_SWD] {
        let bits = bits(sequence);
        let low = bits.iter().rev().take_while(|bit| !**bit).count();
        let high = bits.iter().rev().skip(low).take_while(|bit| **bit).count();
        assert!(low >= 2 && high >= 50, "{}: {high} high, {low} low", sequence.name);
    }
}

#[test]
fn a_longer_sequence_comes_before_the_one_it_contains() {
    let lengths: Vec<_> = SEQUENCES.iter().map(|s| s.bits).collect();
    assert!(lengths.is_sorted_by(|a, b| a >= b), "{lengths:?}");
}
