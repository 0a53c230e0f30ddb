//! DAP_Transfer and DAP_TransferBlock on the wire.

use super::Probe;
use crate::swd::Faults;

// Request bytes.
pub(super) const TAR: u8 = 0x05;
pub(super) const DRW_W: u8 = 0x0D;
pub(super) const DRW_R: u8 = 0x0F;
pub(super) const DP_R: u8 = 0x06; // CTRL/STAT
pub(super) const MASK: u8 = 0x20;
pub(super) const MATCH: u8 = 0x1F; // DRW
const STAMP: u8 = 0x80;

fn attached() -> Probe {
    Probe::attached(Faults::default())
}

/// A DAP_Transfer of these items.
pub(super) fn transfer(items: &[(u8, Option<u32>)]) -> Vec<u8> {
    let mut packet = vec![0x05, 0, items.len() as u8];
    for (request, word) in items {
        packet.push(*request);
        packet.extend(word.iter().flat_map(|w| w.to_le_bytes()));
    }
    packet
}

pub(super) fn block(request: u8, count: u16, words: &[u32]) -> Vec<u8> {
    let [low, high] = count.to_le_bytes();
    let mut packet = vec![0x06, 0, low, high, request];
    packet.extend(words.iter().flat_map(|w| w.to_le_bytes()));
    packet
}

pub(super) fn configure(wait_retry: u16, match_retry: u16) -> Vec<u8> {
    let ([a, b], [c, d]) = (wait_retry.to_le_bytes(), match_retry.to_le_bytes());
    vec![0x04, 0, a, b, c, d]
}

pub(super) fn words(answer: &[u8], header: usize) -> Vec<u32> {
    answer[header..].as_chunks::<4>().0.iter().map(|w| u32::from_le_bytes(*w)).collect()
}

#[test]
fn ap_reads_are_posted_and_flushed_by_a_dp_read_a_write_and_the_end() {
    let mut probe = attached();
    probe.ram().words.extend([(0, 10), (4, 11), (8, 12)]);
    let items = [(TAR, Some(0)), (DRW_R, None), (DRW_R, None), (DP_R, None), (DRW_R, None)];
    let answer = probe.ask(&transfer(&items));
    assert_eq!(answer[..3], [0x05, 5, 1]);
    assert_eq!(words(&answer, 3), [10, 11, 0xF000_0040, 12]);
    assert_eq!(probe.story(), "wap4 rapC rapC rdpC rdp4 rapC rdpC");
    let answer = probe.ask(&transfer(&[(TAR, Some(4)), (DRW_R, None), (TAR, Some(0))]));
    assert_eq!(words(&answer, 3), [11]);
    assert_eq!(probe.story(), "wap4 rapC rdpC wap4 rdpC");
}

#[test]
fn the_last_write_is_checked_unless_a_read_follows_it() {
    let mut probe = attached();
    probe.ask(&transfer(&[(TAR, Some(0)), (DRW_W, Some(1))]));
    assert_eq!(probe.story(), "wap4 wapC rdpC");
    probe.ask(&transfer(&[(DRW_W, Some(1)), (DP_R, None)]));
    assert_eq!(probe.story(), "wapC rdp4");
    probe.ask(&transfer(&[(DRW_W, Some(1)), (MASK, Some(1))]));
    assert_eq!(probe.story(), "wapC rdpC");
}

#[test]
fn a_failed_last_write_is_counted_and_shown_by_the_check() {
    let mut probe = attached();
    let answer = probe.ask(&transfer(&[(TAR, Some(0x00F0_0000)), (DRW_W, Some(1))]));
    assert_eq!(answer, [0x05, 2, 4]);
    assert_eq!(probe.story(), "wap4 wapC rdpC!");
}

#[test]
fn a_posted_read_that_cannot_be_fetched_is_counted_without_a_value() {
    let mut probe = attached();
    let answer = probe.ask(&transfer(&[(TAR, Some(0x00F0_0000)), (DRW_R, None)]));
    assert_eq!(answer, [0x05, 2, 4]);
}

#[test]
fn nothing_is_done_behind_a_refused_item() {
    let mut probe = attached();
    probe.ask(&transfer(&[(TAR, Some(0x00F0_0000)), (DRW_W, Some(1))]));
    probe.wire();
    let answer = probe.ask(&transfer(&[(DP_R, None), (TAR, Some(0)), (DRW_W, Some(1))]));
    assert_eq!(answer[..3], [0x05, 1, 4]);
    assert_eq!(words(&answer, 3), [0xF000_0020]);
    assert_eq!(probe.story(), "rdp4 wap4!");
}

#[test]
fn wait_is_retried_as_often_as_configured_and_once_more() {
    for retry in [0_u16, 1, 5, 300] {
        let mut probe = attached();
        probe.ask(&configure(retry, 0));
        let answer = probe.ask(&transfer(&[(TAR, Some(0x00FF_0000)), (DRW_W, Some(1)), (DRW_W, Some(2))]));
        assert_eq!(answer, [0x05, 2, 2]);
        let story = probe.story();
        assert_eq!(story.matches("wapC?").count(), usize::from(retry) + 1);
        assert!(story.starts_with("wap4 wapC wapC?"), "{story}");
    }
}

#[test]
fn a_busy_bus_is_waited_out_and_billed_apart() {
    let mut probe = attached();
    probe.ask(&configure(0xFFFF, 0));
    let before = probe.firmware.lines.bill;
    let items = [(TAR, Some(0x00EF_0000)), (DRW_W, Some(1)), (DRW_W, Some(2)), (DP_R, None)];
    let answer = probe.ask(&transfer(&items));
    assert_eq!(answer[..3], [0x05, 4, 1]);
    let bill = probe.firmware.lines.bill;
    // 239 us at 1 MHz, looked at 8 clocks into each try of 13.
    assert_eq!(bill.wait - before.wait, 18);
    assert_eq!(bill.swclk_wait - before.swclk_wait, 18 * 13);
    assert_eq!(bill.swclk_ok - before.swclk_ok, 4 * 46);
    assert_eq!(probe.wire().len(), 4 + 18);
}

#[test]
fn idle_clocks_follow_accepted_transactions_only() {
    let mut probe = attached();
    probe.ask(&[0x04, 8, 2, 0, 0, 0]);
    let before = (probe.firmware.lines.bill, probe.firmware.lines.now);
    probe.ask(&transfer(&[(TAR, Some(0x00FF_0000)), (DRW_W, Some(1)), (DRW_W, Some(2))]));
    let bill = probe.firmware.lines.bill;
    assert_eq!(bill.swclk_ok - before.0.swclk_ok, 2 * 54);
    assert_eq!(bill.swclk_wait - before.0.swclk_wait, 3 * 13);
    assert_eq!(probe.firmware.lines.now - before.1, (2 * 54 + 3 * 13) * 1000);
}

#[test]
fn a_value_match_on_an_ap_register_reads_once_more_and_returns_nothing() {
    let mut probe = attached();
    probe.ram().words.insert(0, 0xAB05);
    probe.ask(&transfer(&[(0x01, Some(0x4300_0002)), (TAR, Some(0))]));
    probe.wire();
    let answer = probe.ask(&transfer(&[(MASK, Some(0xFF)), (MATCH, Some(0x05)), (DP_R, None)]));
    assert_eq!(answer[..3], [0x05, 3, 1]);
    assert_eq!(words(&answer, 3).len(), 1);
    assert_eq!(probe.story(), "rapC rapC rdp4");
}

#[test]
fn a_value_that_never_matches_stops_the_list_uncounted() {
    let mut probe = attached();
    probe.ask(&configure(100, 3));
    probe.ask(&transfer(&[(0x01, Some(0x4300_0002)), (TAR, Some(0)), (MASK, Some(0xFF))]));
    probe.wire();
    let answer = probe.ask(&transfer(&[(DP_R, None), (MATCH, Some(0x05)), (DP_R, None)]));
    assert_eq!(answer[..3], [0x05, 1, 0x11]);
    assert_eq!(probe.story(), "rdp4 rapC rapC rapC rapC rapC", "one to post, four to look");
}

#[test]
fn a_value_match_on_a_dp_register_needs_no_extra_read() {
    let mut probe = attached();
    let answer = probe.ask(&transfer(&[(MASK, Some(0xF000_0000)), (0x16, Some(0xF000_0000))]));
    assert_eq!(answer, [0x05, 2, 1]);
    assert_eq!(probe.story(), "rdp4");
}

/// The reference tests whatever its variable holds: the mask that was loaded last, where nothing was read since.
#[test]
fn a_match_read_that_is_refused_shows_a_mismatch_by_what_was_loaded_before() {
    let answer_with_wait_at = |n, mask| {
        let mut probe =
            Probe::attached(Faults { wait: std::iter::once(n..n + 1).collect(), ..Faults::default() });
        assert_eq!(probe.firmware.lines.target.transactions(), 6);
        probe.ask(&configure(0, 0));
        probe.ask(&transfer(&[(MASK, Some(mask)), (MATCH, Some(1))]))
    };
    assert_eq!(answer_with_wait_at(7, 3), [0x05, 1, 2], "the posting read: nothing to test yet");
    assert_eq!(answer_with_wait_at(8, 3), [0x05, 1, 0x12], "the read that looks");
    assert_eq!(answer_with_wait_at(8, 1), [0x05, 1, 2], "the mask itself matches");
}

#[test]
fn timestamps_stand_before_the_value_and_are_all_a_write_returns() {
    let mut probe = attached();
    probe.ram().words.extend([(0, 10), (4, 11)]);
    let start = (probe.firmware.lines.now / 1000) as u32;
    let items = [(TAR | STAMP, Some(0)), (DRW_R | STAMP, None), (DRW_R | STAMP, None), (DP_R | STAMP, None)];
    let answer = probe.ask(&transfer(&items));
    assert_eq!(answer[..3], [0x05, 4, 1]);
    let end = |transactions: u32| start + 46 * transactions;
    assert_eq!(words(&answer, 3), [end(1), end(2), 10, end(3), 11, end(5), 0xF000_0040]);
}

#[test]
fn a_block_of_ap_reads_takes_one_transaction_more_than_words() {
    let mut probe = attached();
    probe.ram().words.extend([(0, 10), (4, 11), (8, 12)]);
    probe.ask(&transfer(&[(TAR, Some(0))]));
    probe.wire();
    let answer = probe.ask(&block(DRW_R, 3, &[]));
    assert_eq!(answer[..4], [0x06, 3, 0, 1]);
    assert_eq!(words(&answer, 4), [10, 11, 12]);
    assert_eq!(probe.story(), "rapC rapC rapC rdpC");
    let answer = probe.ask(&block(DP_R, 2, &[]));
    assert_eq!(words(&answer, 4).len(), 2);
    assert_eq!(probe.story(), "rdp4 rdp4");
}

#[test]
fn a_block_of_writes_is_checked_at_its_end() {
    let mut probe = attached();
    probe.ask(&transfer(&[(TAR, Some(0x100))]));
    probe.wire();
    assert_eq!(probe.ask(&block(DRW_W, 2, &[7, 8])), [0x06, 2, 0, 1]);
    assert_eq!(probe.story(), "wapC wapC rdpC");
    assert_eq!(probe.ram().words.values().copied().collect::<Vec<_>>(), [7, 8]);
}

#[test]
fn a_block_counts_values_not_posted_reads() {
    let mut probe = attached();
    probe.ask(&transfer(&[(TAR, Some(0x00F0_0000))]));
    assert_eq!(probe.ask(&block(DRW_R, 3, &[])), [0x06, 0, 0, 4]);
    probe.ask(&[0x08, 0, 0x1E, 0, 0, 0]);
    assert_eq!(probe.ask(&block(DRW_W, 1, &[7])), [0x06, 1, 0, 4], "the check found it");
    probe.ask(&[0x08, 0, 0x1E, 0, 0, 0]);
    assert_eq!(probe.ask(&block(DRW_W, 2, &[7, 8])), [0x06, 1, 0, 4]);
}

#[test]
fn without_a_connection_or_without_items_nothing_is_counted() {
    let mut probe = attached();
    assert_eq!(probe.ask(&[0x05, 0, 0]), [0x05, 0, 0]);
    assert_eq!(probe.ask(&block(DRW_R, 0, &[])), [0x06, 0, 0, 0]);
    probe.ask(&[0x03]);
    assert_eq!(probe.ask(&transfer(&[(DP_R, None)])), [0x05, 0, 0]);
    assert_eq!(probe.ask(&block(DP_R, 1, &[])), [0x06, 0, 0, 0]);
    assert_eq!(probe.ask(&[0x08, 0, 1, 0, 0, 0]), [0x08, 0xFF]);
    assert_eq!(probe.story(), "");
}

#[test]
fn nobody_on_the_line_is_seven_and_a_parity_error_eight() {
    let mut probe = Probe::new(Faults::default());
    probe.ask(&[2, 1]);
    assert_eq!(probe.ask(&transfer(&[(0x02, None)])), [0x05, 0, 7]);
    assert_eq!(probe.firmware.lines.bill.no_ack, 1);
    assert_eq!(probe.firmware.lines.bill.swclk_other, 46);
    let mut probe = Probe::attached(Faults { parity_at: Some(8), ..Faults::default() });
    assert_eq!(probe.ask(&transfer(&[(DP_R, None), (DP_R, None)]))[..3], [0x05, 1, 8]);
    assert_eq!(probe.firmware.lines.bill.parity, 1);
}

#[test]
fn write_abort_is_one_transaction_whose_ack_nobody_tells() {
    let mut probe = attached();
    assert_eq!(probe.ask(&[0x08, 0, 0x1E, 0, 0, 0]), [0x08, 0]);
    assert_eq!(probe.story(), "wdp0");
    let mut deaf = Probe::new(Faults::default());
    deaf.ask(&[2, 1]);
    assert_eq!(deaf.ask(&[0x08, 0, 0x1E, 0, 0, 0]), [0x08, 0]);
    assert_eq!(deaf.story(), "wdp0-");
}

#[test]
fn the_match_mask_survives_from_packet_to_packet() {
    let mut probe = attached();
    probe.ask(&transfer(&[(MASK, Some(0x8000_0000))]));
    assert_eq!(probe.ask(&transfer(&[(0x16, Some(0x8000_0000))])), [0x05, 1, 1]);
}

#[test]
fn overrun_detection_with_a_data_phase_works_and_costs_46_clocks_a_wait() {
    let mut probe = attached();
    probe.ask(&[0x13, 0x04]);
    probe.ask(&configure(0, 0));
    let items = [(0x04, Some(0x5000_0001)), (TAR, Some(0x00EF_0000)), (DRW_W, Some(1)), (DRW_W, Some(2))];
    let before = probe.firmware.lines.bill.swclk_wait;
    assert_eq!(probe.ask(&transfer(&items)), [0x05, 3, 2]);
    assert_eq!(probe.firmware.lines.bill.swclk_wait - before, 46);
    assert_eq!(probe.ask(&transfer(&[(DRW_W, Some(3))])), [0x05, 0, 4], "STICKYORUN");
}
