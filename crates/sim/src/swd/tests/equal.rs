//! Both faces of the target give the same answers and do the same to the chip.

use super::bench::{Host, Seen};
use crate::swd::{Faults, Header, HostSide};
use proptest::prelude::*;

/// Something a host does.
#[derive(Debug, Clone)]
enum Act {
    Transact {
        header: Header,
        data: u32,
        intact: bool,
    },
    /// A header byte that may be wrong.
    Raw {
        header: u8,
        data: u32,
    },
    Idle(u8),
    LineReset,
    JtagToSwd,
    TargetSel(u32),
    Side(HostSide),
    Power,
    /// A line reset, sticky flags cleared.
    Recover,
    /// A memory write that takes 100 us.
    Busy,
}

fn header() -> impl Strategy<Value = Header> {
    (any::<bool>(), any::<bool>(), 0_u8..4).prop_map(|(ap, read, a)| Header { ap, read, a: a << 2 })
}

/// Values that mean something in one register or another: addresses with busy times and errors, CSW, SELECT, ABORT.
fn value() -> impl Strategy<Value = u32> {
    prop_oneof![
        3 => (0_u32..0x100, 0_u32..0x20).prop_map(|(time, at)| time << 16 | at),
        2 => (0_u32..4, 0_u32..16, 0_u32..5).prop_map(|(ap, bank, dp)| ap << 24 | bank << 4 | dp),
        2 => prop::sample::select(vec![0x5000_0000, 0x5000_0001, 0x1E, 0x1F, 0x4300_0012, 0x4300_0010, 0x4300_0021,
            0x5000_0F04, 0x5000_0F08, 0x0000_0300, 0xFFFF_FFFF, 0xFFFF_FFFE]),
        1 => any::<u32>(),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        24 => (header(), value(), prop::bool::weighted(0.97))
            .prop_map(|(header, data, intact)| Act::Transact { header, data, intact }),
        3 => value().prop_map(|data| Act::Transact {
            header: Header { ap: false, read: false, a: 0 }, data: data & 0x1F, intact: true }),
        1 => (any::<u8>(), any::<u32>()).prop_map(|(header, data)| Act::Raw { header, data }),
        4 => (0_u8..80).prop_map(Act::Idle),
        2 => Just(Act::LineReset),
        6 => Just(Act::Recover),
        6 => Just(Act::Busy),
        1 => Just(Act::JtagToSwd),
        1 => prop_oneof![Just(0x0484_0041_u32), any::<u32>()].prop_map(Act::TargetSel),
        1 => (1_u8..5, any::<bool>()).prop_map(|(turnaround, data_phase)|
            Act::Side(HostSide { turnaround, data_phase })),
        1 => Just(Act::Power),
    ]
}

fn faults() -> impl Strategy<Value = Faults> {
    let at = || prop::option::weighted(0.2, 1_u64..40);
    (at(), at(), at(), at(), prop::option::weighted(0.2, 0_u32..8)).prop_map(
        |(cut_at, parity_at, no_ack_at, wait, fault_at)| Faults {
            cut_at,
            parity_at,
            no_ack_at,
            wait: wait.map(|from| from..from + 5).into_iter().collect(),
            fault_at: fault_at.map(|at| at << 2),
        },
    )
}

fn both(host: &mut Host, header: Header, data: u32, intact: bool, whole: bool) -> Seen {
    if whole {
        return host.whole(header, data, intact);
    }
    host.clocked(header.bits(), header.read, data, intact)
}

fn play(host: &mut Host, act: &Act, whole: bool) -> Option<Seen> {
    match act {
        Act::Transact { header, data, intact } => return Some(both(host, *header, *data, *intact, whole)),
        Act::Recover => {
            host.side = HostSide { turnaround: 1, data_phase: false };
            host.bytes(regs::dp::LINE_RESET.bytes);
            let dp = |read, a| Header { ap: false, read, a };
            both(host, dp(true, 0), 0, true, whole);
            both(host, dp(false, 0), 0x1E, true, whole);
            both(host, dp(false, 8), 0x0100_0000, true, whole);
            return Some(both(host, dp(false, 4), 0x5000_0000, true, whole));
        }
        Act::Busy => {
            both(host, Header { ap: true, read: false, a: 4 }, 0x0064_0000, true, whole);
            return Some(both(host, Header { ap: true, read: false, a: 0xC }, 0x1234, true, whole));
        }
        Act::Raw { header, data } => return Some(host.clocked(*header, header & 4 != 0, *data, true)),
        Act::Idle(clocks) if whole => {
            host.target.idle(u32::from(*clocks), host.clock, host.now);
            host.now += host.clock.nanos(u64::from(*clocks));
        }
        Act::Idle(clocks) => {
            for n in 1..=*clocks {
                host.target.clock(Some(false), host.now + host.clock.nanos(u64::from(n)));
            }
            host.now += host.clock.nanos(u64::from(*clocks));
        }
        Act::LineReset => {
            host.bytes(regs::dp::LINE_RESET.bytes);
            return Some(host.clocked(0xA5, true, 0, true));
        }
        Act::JtagToSwd => host.bytes(regs::dp::JTAG_TO_SWD.bytes),
        Act::TargetSel(value) => {
            host.bytes(regs::dp::LINE_RESET.bytes);
            host.write_dp_unacknowledged(*value);
            return Some(host.clocked(0xA5, true, 0, true));
        }
        Act::Side(side) => host.side = *side,
        Act::Power => {
            host.target.chip.dead = false;
            host.target.chip.cycles += 1;
            host.bytes(regs::dp::JTAG_TO_SWD.bytes);
        }
    }
    None
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn bit_by_bit_and_transaction_by_transaction_are_the_same(
        acts in prop::collection::vec(act(), 1..60),
        faults in faults(),
        mhz in prop::sample::select(vec![1_000_000_u32, 3_000_000, 10_000_000]),
    ) {
        let mut hosts = [Host::new(faults.clone()), Host::new(faults)];
        for host in &mut hosts {
            host.clock = wire::Hz(mhz);
            host.bytes(regs::dp::JTAG_TO_SWD.bytes);
            host.clocked(0xA5, true, 0, true);
            host.clocked(0xA9, false, 0x5000_0000, true);
            host.now += 30_000;
        }
        let [bits, whole] = &mut hosts;
        for act in &acts {
            prop_assert_eq!(play(bits, act, false), play(whole, act, true), "{:?}", act);
            prop_assert_eq!(bits.target.take_last(), whole.target.take_last());
            prop_assert_eq!(bits.now, whole.now);
        }
        prop_assert_eq!(&bits.target.chip, &whole.target.chip);
        prop_assert_eq!(format!("{:?}", bits.target), format!("{:?}", whole.target));
    }
}

#[test]
fn random_sequences_reach_the_interesting_answers() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut acks = [0_u32; 8];
    let (mut fast, mut accesses) = (0, 0);
    for _ in 0..200 {
        let acts = prop::collection::vec(act(), 60).new_tree(&mut runner).unwrap().current();
        let mut host = Host::new(Faults::default());
        host.attach();
        for act in &acts {
            if let Act::Transact { header, .. } = act {
                fast += u32::from(host.target.can_transact(host.side, *header, host.now));
            }
            if let Some(seen) = play(&mut host, act, true) {
                acks[usize::from(seen.ack)] += 1;
            }
        }
        accesses += host.target.chip.log.len();
    }
    assert!(acks[1] > 500 && acks[2] > 50 && acks[4] > 50 && acks[7] > 50, "{acks:?}");
    assert!(fast > 500 && accesses > 50, "{fast} whole transactions, {accesses} accesses");
}
