//! What the common work costs on each probe, in counts that are the same on every machine, and what WAITs do to it.

use ackwait_tests::{AP1, Rig, options, pattern};
use adi::{Adi, AdiError, Attach};
use pace::Patience;
use wire::{Addr, Attr, Batch, Flow, MemOp};

const RAM: Addr = Addr(0x2000_0000);
/// 64 KiB.
const WORDS: usize = 16 * 1024;
const TIMES: usize = 1000;
/// Clocks of a transaction that is accepted. [ADI-14]
const CLOCKS: u64 = 46;

/// Round trips and transactions of writing 64 KiB, reading them back, 1000 reads and 1000 polls of one word.
///
/// The floor of a CMSIS-DAP probe is a packet for every 126 (full speed: 14) words written and 126 (15) read, with one
/// transaction more in each packet; TAR, once a KiB, makes packets of mixed operations that hold fewer words. Overrun
/// detection, which lets plain words be queued, is five round trips more. An ST-Link reads 6 KiB in two round trips, writes
/// 63 KiB in one, and has one word in a list for three transactions; no command of it does with fewer.
const COSTS: &[(&str, [(u64, u64); 4])] = &[
    ("profile=hs", [(151, 16603), (132, 16640), (9, 1014), (3, 1006)]),
    ("profile=fs", [(1191, 17643), (1096, 17604), (68, 1073), (3, 1006)]),
    ("profile=hid", [(1191, 17643), (1096, 17604), (68, 1073), (3, 1006)]),
    ("probe=stlink-v2", [(4, 16458), (22, 16512), (18, 3008), (18, 3000)]),
    ("probe=stlink-v21", [(4, 16458), (22, 16512), (18, 3008), (18, 3000)]),
    ("probe=stlink-v3", [(4, 16458), (22, 16512), (3, 3008), (7, 3000)]),
];

fn words(len: usize) -> Vec<u32> {
    pattern(len * 4).chunks(4).map(|b| u32::from_le_bytes(b.try_into().expect("four"))).collect()
}

/// Round trips and transactions so far.
fn spent(rig: &Rig) -> (u64, u64) {
    let bill = rig.bill();
    // Line sequences are not part of the work, and nothing waits.
    assert_eq!((bill.wait, bill.fault, bill.swclk_ok), (0, 0, bill.ok * CLOCKS));
    (bill.usb_in, bill.ok)
}

fn cost(rig: &mut Rig, work: impl FnOnce(&mut Adi)) -> (u64, u64) {
    let before = spent(rig);
    work(rig.adi());
    let after = spent(rig);
    (after.0 - before.0, after.1 - before.1)
}

fn poll(adi: &mut Adi) {
    let mut policy = adi.policy().clone();
    policy.probe.matching = Patience::Tries(u32::try_from(TIMES).expect("fits") - 1);
    adi.set_policy(policy).expect("set");
    let never = MemOp::WaitUntil { at: RAM, mask: 1, value: 1 };
    let batch = Batch { ap: AP1, attr: Attr::Default, flow: Flow::Lockstep, ops: vec![never] };
    assert!(matches!(adi.run(&batch), Err(AdiError::MatchSpent { .. })));
}

fn costs(probe: &str) -> [(u64, u64); 4] {
    let data = words(WORDS);
    let mut rig = Rig::new(&format!("h562,{probe}"));
    rig.adi().attach(&Attach::HOTPLUG).expect("attached");
    let write = cost(&mut rig, |adi| adi.write_words(AP1, Attr::Default, RAM, &data).expect("written"));
    let read = cost(&mut rig, |adi| {
        assert!(adi.read_words(AP1, Attr::Default, RAM, WORDS).expect("read") == data, "other words");
    });
    let mut rig = Rig::new(&format!("h562,{probe}"));
    rig.adi().attach(&Attach::HOTPLUG).expect("attached");
    let reads = cost(&mut rig, |adi| {
        assert_eq!(adi.read_repeatedly(AP1, Attr::Default, RAM, TIMES).expect("read"), [0; TIMES]);
    });
    [write, read, reads, cost(&mut rig, poll)]
}

#[test]
fn the_common_work_costs_what_it_must_on_every_probe() {
    let all: Vec<_> = COSTS.iter().map(|(probe, _)| (*probe, costs(probe))).collect();
    all.iter().for_each(|row| println!("{row:?},"));
    assert_eq!(all, COSTS);
}

/// A block of RAM is whole whatever WAITs came while it was written, with several packets under way.
#[test]
fn waits_in_the_middle_of_queued_packets_leave_every_word_where_it_belongs() {
    let data = words(4096);
    for (profile, step) in [("hs", 211), ("fs", 307), ("hid", 389)] {
        for (first, count) in (15..4600).step_by(step).map(|n| (n, 1 + n % 5)) {
            let mut options = options();
            options.policy.probe.wait = Patience::Tries(2);
            let mut rig = Rig::with(&format!("h562,profile={profile},wait={first}:{count}"), &options);
            let adi = rig.adi();
            adi.attach(&Attach::HOTPLUG).expect("attached");
            adi.write_words(AP1, Attr::Default, RAM, &data).expect("written");
            let back = adi.read_words(AP1, Attr::Default, RAM, data.len()).expect("read");
            assert!(back == data, "{profile}, {count} WAITs from transaction {first}");
            // Nothing of it is left on: a WAIT is again waited for by the probe.
            assert!(rig.bill().wait > 0, "{profile}: no WAIT came");
        }
    }
}

#[test]
fn overrun_detection_is_off_after_a_block_whatever_came_of_it() {
    for fault in ["", ",wait=2000:1", ",wait=2000:7", ",fault=0x20001000"] {
        let mut rig = Rig::new(&format!("h562{fault}"));
        let adi = rig.adi();
        adi.attach(&Attach::HOTPLUG).expect("attached");
        let written = adi.write_words(AP1, Attr::Default, RAM, &words(4096));
        match written {
            Err(AdiError::Fault { .. }) => assert!(fault.contains("fault")),
            written => assert_eq!((written, fault.contains("fault")), (Ok(()), false)),
        }
        let stat = rig.adi().read_dp(adi::DpReg::CTRL_STAT).expect("CTRL/STAT");
        assert_eq!(stat & (regs::dp::ctrl_stat::ORUNDETECT | regs::dp::ctrl_stat::STICKY), 0, "{fault}");
    }
}
