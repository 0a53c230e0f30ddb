//! The USB side: endpoints, buffers, times, faults.

use super::*;
use crate::firmware::{IN, OUT};
use wire::TransferKind;

const MS: Duration = Duration::from_millis(1);

fn open(spec: &str) -> SimProbe {
    SimProbe::open(spec).unwrap()
}

/// Sends a packet at `at` and takes its answer; also when that was there.
fn ask(probe: &mut SimProbe, packet: &[u8], at: Duration) -> Option<(Bytes, Duration)> {
    probe.out(OUT, packet, at).unwrap();
    let when = probe.next_in(IN)?;
    Some((probe.take_in(IN).unwrap(), when))
}

/// DAP_Delay.
fn delay(micros: u16) -> [u8; 3] {
    let [low, high] = micros.to_le_bytes();
    [0x09, low, high]
}

#[test]
fn it_is_found_by_its_product_string_and_has_two_endpoints() {
    let probe = open("h562");
    assert!(probe.identity().product.contains("CMSIS-DAP"));
    let [out, input] = probe.endpoints();
    assert_eq!((out.address, input.address), (0x01, 0x81));
    assert_eq!((out.kind, out.max_packet), (TransferKind::Bulk, 512));
    assert_eq!(open("h562,profile=hid").endpoints()[0].kind, TransferKind::Interrupt);
    assert_eq!(open("h562,profile=fs").endpoints()[0].max_packet, 64);
}

#[test]
fn every_kind_of_probe_has_its_own_serial_number_and_takes_another() {
    let kinds = [
        "profile=hs",
        "profile=fs",
        "profile=hid",
        "probe=stlink-v2",
        "probe=stlink-v21",
        "probe=stlink-v21,stlink.pid=0x374A",
        "probe=stlink-v21,stlink.pid=0x3752",
        "probe=stlink-v3",
        "probe=stlink-v3,stlink.pid=0x3754",
    ];
    let serials: std::collections::BTreeSet<_> =
        kinds.iter().map(|kind| open(kind).identity().serial).collect();
    assert_eq!(serials.len(), kinds.len(), "{serials:?}");
    for kind in kinds {
        assert_eq!(open(&format!("serial=BENCH7,{kind}")).identity().serial, "BENCH7");
    }
}

#[test]
fn the_firmware_tells_the_serial_number_of_the_descriptor() {
    for spec in ["h562", "h562,serial=BENCH7"] {
        let mut probe = open(spec);
        let (answer, _) = ask(&mut probe, &[0x00, 0x03], MS).unwrap();
        assert_eq!(answer[2..answer.len() - 1], *probe.identity().serial.as_bytes());
    }
}

#[test]
fn an_answer_takes_the_latency_both_ways_and_the_command() {
    let mut probe = open("h562");
    let (answer, when) = ask(&mut probe, &delay(1000), MS).unwrap();
    assert_eq!(answer[..], [0x09, 0]);
    assert_eq!(when, MS + Duration::from_micros(10 + 125 + 1000 + 125));
    assert_eq!(probe.next_in(IN), None);
}

#[test]
fn packets_overlap_and_are_performed_one_after_the_other() {
    let mut probe = open("h562");
    let taken: Vec<_> = (0..3).map(|_| probe.out(OUT, &delay(1000), Duration::ZERO).unwrap()).collect();
    assert_eq!(taken, [10, 20, 30].map(Duration::from_micros));
    let mut times = vec![];
    while let Some(at) = probe.next_in(IN) {
        times.push(at.as_micros());
        probe.take_in(IN).unwrap();
    }
    assert_eq!(times, [1260, 2260, 3260]);
}

#[test]
fn a_full_bulk_probe_takes_a_packet_when_a_buffer_is_free() {
    let mut probe = open("h562");
    let taken: Vec<_> =
        (0..6).map(|_| probe.out(OUT, &delay(1000), Duration::ZERO).unwrap().as_micros()).collect();
    assert_eq!(taken, [10, 20, 30, 40, 1145, 2145]);
}

#[test]
fn a_full_hid_probe_drops_the_report() {
    let mut probe = open("h562,profile=hid");
    for _ in 0..4 {
        probe.out(OUT, &delay(9000), Duration::ZERO).unwrap();
    }
    assert_eq!(probe.out(OUT, &delay(1), Duration::ZERO), Err(UsbFault::Lost));
    assert!(probe.out(OUT, &delay(1), 20 * MS).is_ok());
}

#[test]
fn a_hid_answer_is_a_full_report_with_remains_of_the_one_before() {
    let mut probe = open("h562,profile=hid");
    let mut padded = [0; 64];
    padded[..2].copy_from_slice(&[0x00, 0x04]);
    let (first, _) = ask(&mut probe, &padded, MS).unwrap();
    assert_eq!(first.len(), 64);
    padded[..2].copy_from_slice(&[0x03, 0x00]);
    let (second, _) = ask(&mut probe, &padded, 10 * MS).unwrap();
    assert_eq!(second[..2], [0x03, 0x00]);
    assert_eq!(second[2..], first[2..]);
}

#[test]
fn queued_commands_wait_for_a_packet_that_is_none() {
    let mut probe = open("h562");
    assert_eq!(ask(&mut probe, &[0x7E, 1, 0x09, 1, 0], MS), None);
    assert_eq!(ask(&mut probe, &[0x7E, 1, 0x09, 1, 0], 2 * MS), None);
    probe.out(OUT, &[0x03], 3 * MS).unwrap();
    let answers: Vec<_> = std::iter::from_fn(|| probe.take_in(IN)).collect();
    assert_eq!(answers, [&[0x7F, 1, 0x09, 0][..], &[0x7F, 1, 0x09, 0], &[0x03, 0]]);
}

#[test]
fn more_queued_packets_than_buffers_are_never_taken() {
    let mut probe = open("h562");
    for _ in 0..4 {
        probe.out(OUT, &[0x7E, 1, 0x09, 1, 0], MS).unwrap();
    }
    assert_eq!(probe.out(OUT, &[0x7E, 1, 0x09, 1, 0], MS), Err(UsbFault::Lost));
}

#[test]
fn a_transfer_abort_has_no_answer_and_takes_no_buffer() {
    let mut probe = open("h562");
    for _ in 0..4 {
        probe.out(OUT, &delay(1000), Duration::ZERO).unwrap();
    }
    assert_eq!(probe.out(OUT, &[0x07], Duration::ZERO), Ok(Duration::from_micros(10)));
    assert_eq!(std::iter::from_fn(|| probe.take_in(IN)).count(), 4);
}

#[test]
fn answers_are_lost_late_doubled_and_spoiled_by_number() {
    let answers = |spec: &str| -> Vec<(u128, u8)> {
        let mut probe = open(spec);
        for n in 0..3 {
            probe.out(OUT, &delay(100), n * MS).unwrap();
        }
        std::iter::from_fn(|| Some((probe.next_in(IN)?.as_micros(), probe.take_in(IN)?[0]))).collect()
    };
    assert_eq!(answers("h562"), [(360, 9), (1360, 9), (2360, 9)]);
    assert_eq!(answers("h562,lost=2"), [(360, 9), (2360, 9)]);
    assert_eq!(answers("h562,delay=2:20"), [(360, 9), (21_360, 9), (21_370, 9)]);
    assert_eq!(answers("h562,dup=2"), [(360, 9), (1360, 9), (1370, 9), (2360, 9)]);
    assert_eq!(answers("h562,corrupt=2"), [(360, 9), (1360, 0xF6), (2360, 9)]);
}

#[test]
fn an_unplugged_probe_stays_away_with_its_answers() {
    let mut probe = open("h562,unplug=2");
    probe.out(OUT, &[0x00, 0x04], MS).unwrap();
    assert!(probe.plugged(MS));
    assert_eq!(probe.out(OUT, &[0x00, 0x04], 2 * MS), Err(UsbFault::Gone));
    assert!(!probe.plugged(2 * MS));
    assert_eq!(probe.next_in(IN), None);
    assert_eq!(probe.take_in(IN), None);
    assert_eq!(probe.out(OUT, &[0x00, 0x04], 3 * MS), Err(UsbFault::Gone));
}

#[test]
fn a_usb_reset_forgets_answers_and_queued_packets() {
    let mut probe = open("h562");
    probe.out(OUT, &[0x00, 0x04], MS).unwrap();
    probe.out(OUT, &[0x7E, 1, 0x09, 1, 0], MS).unwrap();
    probe.reset(MS);
    assert_eq!(probe.next_in(IN), None);
    probe.out(OUT, &[0x03], 2 * MS).unwrap();
    assert_eq!(std::iter::from_fn(|| probe.take_in(IN)).count(), 1);
}

#[test]
fn edbg_says_nothing_until_a_full_report_has_come() {
    let mut probe = open("h562,firmware=edbg");
    let mut report = delay(1000).to_vec();
    report.resize(64, 0);
    for n in 0..7 {
        assert_eq!(ask(&mut probe, &report, n * MS), None);
    }
    let (answer, _) = ask(&mut probe, &report, 8 * MS).unwrap();
    assert_eq!((answer.len(), &answer[..2]), (512, &[0x09, 0][..]));
    report.resize(512, 0);
    assert!(ask(&mut probe, &report, 20 * MS).is_some());
}

#[test]
fn an_old_picoprobe_joins_answers_and_loses_packets_that_wait_together() {
    let mut probe = open("h562,firmware=picoprobe-old");
    probe.out(OUT, &[0x00, 0xFE], Duration::ZERO).unwrap();
    probe.out(OUT, &[0x00, 0xFE], Duration::ZERO).unwrap();
    let answers: Vec<_> = std::iter::from_fn(|| probe.take_in(IN)).collect();
    assert_eq!(answers, [&[0x00, 1, 2, 0x00, 1, 2][..]]);
    probe.out(OUT, &delay(1000), 10 * MS).unwrap();
    probe.out(OUT, &delay(1000), 10 * MS).unwrap();
    assert_eq!(std::iter::from_fn(|| probe.take_in(IN)).count(), 1);
}

#[test]
fn orbtrace_sends_an_empty_transfer_behind_a_full_answer() {
    let mut probe = open("h562,firmware=orbtrace");
    ask(&mut probe, &[0x02, 1], MS).unwrap();
    let items: Vec<u8> = [0x1D, 64].into_iter().chain([0x80; 63]).chain([0xB0]).collect();
    let (answer, _) = ask(&mut probe, &items, 3 * MS).unwrap();
    assert_eq!(answer.len(), 512);
    assert_eq!(probe.take_in(IN).unwrap().len(), 0);
}

#[test]
fn answers_that_a_killed_host_left_come_first() {
    let mut probe = open("h562,stale=2");
    let left: Vec<_> = std::iter::from_fn(|| probe.take_in(IN)).collect();
    assert_eq!(left, [&[0x05, 1, 1, 0, 0, 0, 0][..], &[0x05, 1, 1, 1, 0, 0, 0]]);
    assert_eq!(open("h562,profile=hid,stale=1").take_in(IN).unwrap().len(), 64);
}

#[test]
fn a_transfer_that_is_cut_short_does_half_and_says_ok() {
    let mut probe = open("h562,short=1");
    ask(&mut probe, &[0x02, 1], MS).unwrap();
    let reads = [0x05, 0, 1, 0x02];
    ask(&mut probe, &reads, 2 * MS).unwrap();
    let (answer, _) = ask(&mut probe, &[0x05, 0, 2, 0x20, 1, 0, 0, 0, 0x20, 2, 0, 0, 0], 3 * MS).unwrap();
    assert_eq!(answer[..], [0x05, 1, 1]);
}

#[test]
fn the_debug_interface_says_its_name_and_class_where_a_make_has_its_own() {
    assert_eq!(open("h562").interface(), None);
    let text = open("h562,firmware=kitprog3").interface().unwrap();
    assert_eq!((text.name.as_str(), text.class), ("KitProg3 CMSIS-DAP BULK", 0));
    assert_eq!(open("h562,firmware=edbg").identity().vid, 0x03EB);
    assert_eq!(open("h562,firmware=edbg,serial=X1").identity().serial, "X1");
    assert_eq!(open("h562,firmware=daplink,profile=hid").endpoints()[0].kind, TransferKind::Interrupt);
}

#[test]
fn unknown_control_requests_other_endpoints_and_overlong_packets_stall() {
    let mut probe = open("h562");
    let setup = Setup { request_type: 0xC0, request: 1, value: 0, index: 0, length: 4 };
    assert_eq!(probe.control(setup, &[], MS), Err(UsbFault::Stall));
    assert_eq!(probe.out(0x02, &[0], MS), Err(UsbFault::Stall));
    assert_eq!(probe.out(OUT, &[0; 513], MS), Err(UsbFault::Stall));
}

#[test]
fn the_bill_counts_packets_and_bytes() {
    let mut probe = open("h562");
    ask(&mut probe, &delay(1000), MS).unwrap();
    let bill = probe.bill();
    assert_eq!((bill.usb_out, bill.usb_in, bill.usb_bytes), (1, 1, 5));
    assert_eq!(bill.time, MS + Duration::from_micros(135 + 1000));
}

#[test]
fn the_target_is_reached_through_the_usb_side() {
    let mut probe = open("h562,truth=on");
    let mut switch = vec![0x12, 136];
    switch.extend_from_slice(regs::dp::JTAG_TO_SWD.bytes);
    ask(&mut probe, &[0x02, 1], MS).unwrap();
    ask(&mut probe, &switch, MS).unwrap();
    let (answer, _) = ask(&mut probe, &[0x05, 0, 1, 0x02], MS).unwrap();
    assert_eq!(answer[..], [0x05, 1, 1, 0x77, 0x24, 0xA0, 0x6B]);
    assert_eq!(probe.transactions(), 1);
    assert!(probe.truth().iter().any(|(_, event)| matches!(event, WireEvent::Transaction(_))));
    assert_eq!(probe.bill().ok, 1);
}

#[test]
fn a_dormant_start_and_a_bad_key_come_from_the_scenario() {
    let mut probe = open("h562,start=dormant");
    let mut switch = vec![0x12, 136];
    switch.extend_from_slice(regs::dp::JTAG_TO_SWD.bytes);
    ask(&mut probe, &[0x02, 1], MS).unwrap();
    ask(&mut probe, &switch, MS).unwrap();
    let (answer, _) = ask(&mut probe, &[0x05, 0, 1, 0x02], MS).unwrap();
    assert_eq!(answer[..], [0x05, 0, 7]);
    assert!(matches!(SimProbe::open("h562,profile=usb4"), Err(SimError::Scenario(_))));
    assert!(matches!(SimProbe::open("h562,profil=hs"), Err(SimError::Scenario(_))));
}

#[test]
fn the_access_ports_of_the_part_identify_themselves() {
    let mut probe = open("h562");
    let mut switch = vec![0x12, 136];
    switch.extend_from_slice(regs::dp::JTAG_TO_SWD.bytes);
    ask(&mut probe, &[0x02, 1], MS).unwrap();
    ask(&mut probe, &switch, MS).unwrap();
    let power_up = [0x05, 0, 2, 0x02, 0x04, 0, 0, 0, 0x50];
    ask(&mut probe, &power_up, MS).unwrap();
    let mut idr = |ap: u8| {
        let select_and_read = [0x05, 0, 2, 0x08, 0xF0, 0, 0, ap, 0x0F];
        let (answer, _) = ask(&mut probe, &select_and_read, 100 * MS).unwrap();
        assert_eq!(answer[..3], [0x05, 2, 1]);
        u32::from_le_bytes(answer[3..7].try_into().unwrap())
    };
    assert_eq!([idr(0), idr(1), idr(2)], [0x5477_0002, 0x8477_0001, 0]);
    assert_eq!(probe.bill().swclk_wait, 0);
}

#[test]
fn no_answer_is_longer_than_a_packet_however_much_is_asked_for() {
    // DAP_TransferBlock: 65535 reads of DPIDR.
    let greedy = [0x06, 0, 0xFF, 0xFF, 0x02];
    for (profile, room) in [("hs", 512), ("fs", 64), ("hid", 64)] {
        let mut probe = open(&format!("h562,profile={profile}"));
        ask(&mut probe, &[0x02, 1], Duration::ZERO).unwrap();
        ask(&mut probe, &[[0x12, 136].as_slice(), &[0xFF; 7], &[0x9E, 0xE7], &[0xFF; 7], &[0]].concat(), MS)
            .unwrap();
        let (answer, _) = ask(&mut probe, &greedy, 2 * MS).unwrap();
        assert_eq!(answer.len(), room, "{profile}");
    }
}

/// A DAP_Transfer of these items.
fn transfer(items: &[(u8, Option<u32>)]) -> Vec<u8> {
    let mut packet = vec![0x05, 0, items.len() as u8];
    for (request, word) in items {
        packet.push(*request);
        packet.extend(word.iter().flat_map(|w| w.to_le_bytes()));
    }
    packet
}

/// The longest wait for nRESET to be high.
const PIN: [u8; 7] = [0x10, 0x80, 0x80, 0xC0, 0xC6, 0x2D, 0x00];

/// Packets that attach, open the flash and begin to erase a sector, with long value matches behind: on FLASH_NSSR until the
/// erase is over, on a word of SRAM and on DPIDR in vain.
fn long_waits(idle: u8, retries: u16) -> Vec<Vec<u8>> {
    use regs::h5::flash::{BASE, NSCR, NSKEYR, NSSR, cr, key};
    const TAR: u8 = 0x05;
    const DRW: u8 = 0x0D;
    const MASK: u8 = 0x20;
    const MATCH_DRW: u8 = 0x1F;
    const MATCH_DPIDR: u8 = 0x12;
    let [low, high] = retries.to_le_bytes();
    let to = |at: u32, value: u32| vec![(TAR, Some(at)), (DRW, Some(value))];
    let seek = |at: u32| vec![(TAR, Some(at)), (MASK, Some(1)), (MATCH_DRW, Some(0))];
    let mut switch = vec![0x12, 136];
    switch.extend_from_slice(regs::dp::JTAG_TO_SWD.bytes);
    let [first, second] = key::FLASH;
    let opened = [to(BASE + NSKEYR, first), to(BASE + NSKEYR, second), to(BASE + NSCR, cr::SER | cr::STRT)];
    vec![
        vec![0x02, 0x01],
        switch,
        transfer(&[(0x02, None), (0x04, Some(0x5000_0000))]),
        delay(100).to_vec(),
        // AP1, CSW: words, no increment.
        transfer(&[(0x08, Some(0x0100_0000)), (0x01, Some(0x4300_0002))]),
        vec![0x04, idle, 100, 0, low, high],
        transfer(&opened.concat()),
        transfer(&seek(BASE + NSSR)),
        transfer(&[to(0x2000_0000, 1), seek(0x2000_0000)].concat()),
        transfer(&[(MATCH_DPIDR, Some(0))]),
        transfer(&[(0x82, None)]),
        PIN.to_vec(),
    ]
}

/// Where everything on the wire is kept, each read is played; without, reads that change nothing are taken in one step.
#[test]
fn reads_taken_in_one_step_cost_and_answer_what_they_do_one_by_one() {
    for (idle, retries) in [(0, 3000), (3, 3000), (63, 40), (70, 40)] {
        let [each, step] = ["on", "off"].map(|truth| {
            let mut probe = open(&format!("h562,truth={truth}"));
            let answers: Vec<_> =
                long_waits(idle, retries).iter().map(|packet| ask(&mut probe, packet, MS)).collect();
            (answers, probe.bill(), probe.transactions())
        });
        assert_eq!(step, each, "{idle} idle clocks");
        assert_eq!(each.0[6].as_ref().unwrap().0[..3], [0x05, 6, 1]);
        // Found at last; never; never.
        let matched = |n: usize| each.0[n].as_ref().unwrap().0.to_vec();
        assert_eq!(matched(7), [0x05, 3, 1]);
        assert_eq!((matched(8), matched(9)), (vec![0x05, 4, 0x11], vec![0x05, 0, 0x11]));
    }
}

/// Firmware is told to look 65536 times, or to wait for a pin for seconds: that is its time, not that of who simulates it.
#[test]
fn long_waits_of_the_firmware_cost_its_own_time_only() {
    let mut probe = open("h562");
    let packets = long_waits(0, u16::MAX);
    packets.iter().for_each(|packet| drop(ask(&mut probe, packet, MS)));
    let before = probe.bill();
    for _ in 0..2000 {
        ask(&mut probe, &packets[8], MS);
        ask(&mut probe, &packets[9], MS);
    }
    let after = probe.bill();
    assert!(after.ok - before.ok > 2 * 2000 * 65_536, "{}", after.ok);
    assert!(after.time - before.time > Duration::from_secs(3600), "{:?}", after.time);
    // A part without supply keeps nRESET low.
    let mut dead = open("h562,power=off");
    (0..2000).for_each(|_| drop(ask(&mut dead, &PIN, MS)));
    assert!(dead.bill().time >= Duration::from_secs(6000), "{:?}", dead.bill().time);
}

#[test]
fn a_block_read_ends_where_its_answer_is_full() {
    let mut probe = open("h562");
    long_waits(0, 10).iter().for_each(|packet| drop(ask(&mut probe, packet, MS)));
    let before = probe.bill().ok;
    let (answer, _) = ask(&mut probe, &[0x06, 0, 0xFF, 0xFF, 0x0F], MS).unwrap();
    assert_eq!((answer.len(), &answer[..4]), (512, &[0x06, 127, 0, 1][..]));
    assert_eq!(probe.bill().ok - before, 128);
}
