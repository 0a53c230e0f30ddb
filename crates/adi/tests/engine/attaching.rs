//! The four ways to attach, and nRESET.

use crate::target::{DPIDR, Mishap, RAM, TARGETID};
use crate::{AP1, CORE, Rig};
use adi::{AdiError, Attach, Catch, ConnectMode, Wake};
use pace::{Patience, Policy};
use regs::dp::ctrl_stat;
use regs::m33::demcr;
use std::time::Duration;
use wire::{Addr, ApSel, Attr, Port};

fn how(mode: ConnectMode) -> Attach {
    Attach { mode, core: Some(CORE) }
}

#[test]
fn hotplug_writes_nothing_but_housekeeping_and_moves_no_pin() {
    let mut rig = Rig::new(Policy::default());
    let attached = rig.adi.attach(&how(ConnectMode::Hotplug)).unwrap();
    assert_eq!((attached.dpidr.0, attached.targetid.unwrap().0), (DPIDR, TARGETID));
    assert!(!attached.halted && attached.catch.is_none() && attached.wake == Wake::JtagToSwd);
    rig.adi.scan(ApSel(0), ApSel(3)).unwrap();
    rig.adi.read_words(AP1, Attr::Default, Addr(RAM), 600).unwrap();
    rig.adi.core_status(CORE).unwrap();
    rig.with(|t| {
        for seen in t.log.iter().filter(|s| s.write.is_some()) {
            let allowed = match (seen.port, seen.reg) {
                (Port::Dp, 0 | 8) => true,
                (Port::Dp, 4) => seen.write == Some(ctrl_stat::PWRUPREQ),
                (Port::Ap, reg) => reg == regs::ap::CSW || reg == regs::ap::TAR,
                _ => false,
            };
            assert!(allowed, "{seen:?}");
        }
        assert!(t.log.iter().all(|s| !s.nreset_low));
        assert!(!t.halted() && t.demcr() == 0);
    });
}

#[test]
fn a_probe_that_cannot_reach_targetid_attaches_without() {
    let mut rig = Rig::new(Policy::default());
    rig.bench.borrow_mut().no_banks = true;
    let attached = rig.adi.attach(&how(ConnectMode::Hotplug)).unwrap();
    assert!(attached.targetid.is_none());
    assert_eq!(rig.adi.read_words(AP1, Attr::Default, Addr(RAM), 4).unwrap().len(), 4);
}

#[test]
fn a_dormant_debug_port_is_woken() {
    let mut rig = Rig::new(Policy::default());
    rig.with(|t| t.dormant = true);
    assert_eq!(rig.adi.attach(&Attach::HOTPLUG).unwrap().wake, Wake::Dormant);
}

#[test]
fn sticky_errors_of_a_session_before_are_cleared() {
    let mut rig = Rig::new(Policy::default());
    rig.with(|t| t.mishaps.insert(0, Mishap::Sticky(ctrl_stat::STICKYERR | ctrl_stat::STICKYORUN)));
    rig.adi.attach(&Attach::HOTPLUG).unwrap();
    assert_eq!(rig.adi.read_word(AP1, Attr::Default, Addr(RAM)).unwrap(), 0);
}

#[test]
fn no_target_is_reported_after_the_patience_for_reconnecting() {
    let mut rig = Rig::new(Policy::default());
    rig.with(|t| t.mishaps.insert(0, Mishap::Cut));
    let error = rig.adi.attach(&Attach::HOTPLUG).unwrap_err();
    let AdiError::NoTarget { spent, .. } = &error else { panic!("{error}") };
    assert_eq!(spent.key, "reset.reconnect");
    assert!(spent.elapsed >= Duration::from_secs(5));
    assert!(error.to_string().starts_with("no target answers on SWD"), "{error}");
}

#[test]
fn a_debug_domain_without_power_is_reported_with_ctrl_stat() {
    let mut rig = Rig::new(Policy::default());
    rig.with(|t| t.powers_up = false);
    let error = rig.adi.attach(&Attach::HOTPLUG).unwrap_err();
    assert!(matches!(&error, AdiError::PowerUp { spent, .. } if spent.key == "adi.power-up"), "{error}");
}

#[test]
fn a_probe_that_wakes_the_port_by_itself_is_asked_for_no_sequences() {
    let mut rig = Rig::new(Policy::default());
    rig.bench.borrow_mut().caps.sequences = false;
    rig.with(|t| t.line(&[0xFF; 8]));
    assert_eq!(rig.adi.attach(&Attach::HOTPLUG).unwrap().wake, Wake::ByProbe);
}

#[test]
fn the_scan_finds_the_ports_that_are_there_and_says_which_are_open() {
    let mut rig = Rig::new(Policy::default());
    rig.with(|t| t.ap1_open = false);
    rig.adi.attach(&Attach::HOTPLUG).unwrap();
    let found = rig.adi.scan(ApSel(0), ApSel(7)).unwrap();
    let short: Vec<_> = found.iter().map(|i| (i.ap.0, i.idr.0, i.base, i.device_en())).collect();
    assert_eq!(
        short,
        [(0, 0x5477_0002, Some(0xE00E_0003), true), (1, 0x8477_0001, Some(0xE00F_E003), false)]
    );
    let error = rig.adi.read_word(AP1, Attr::Default, Addr(RAM)).unwrap_err();
    assert!(matches!(error, AdiError::ApClosed { .. }), "{error}");
}

#[test]
fn normal_halts_the_core_and_needs_to_be_told_which() {
    let mut rig = Rig::new(Policy::default());
    let error = rig.adi.attach(&Attach { mode: ConnectMode::Normal, core: None }).unwrap_err();
    assert_eq!(error, AdiError::NoCore { mode: ConnectMode::Normal });
    rig.with(|t| assert!(t.log.is_empty()));
    assert!(rig.adi.attach(&how(ConnectMode::Normal)).unwrap().halted);
    rig.with(|t| assert!(t.halted() && t.log.iter().all(|s| !s.nreset_low)));
}

#[test]
fn a_core_that_does_not_halt_is_reported_with_dhcsr() {
    let mut rig = Rig::new(Policy::default());
    rig.with(|t| t.halts = false);
    let error = rig.adi.attach(&how(ConnectMode::Normal)).unwrap_err();
    assert!(matches!(error, AdiError::Core { bit: "S_HALT", .. }), "{error}");
    assert!(rig.adi.attached().is_none());
}

#[test]
fn under_reset_catches_the_core_before_it_runs() {
    let mut rig = Rig::new(Policy::default());
    let attached = rig.adi.attach(&how(ConnectMode::UnderReset)).unwrap();
    assert_eq!(attached.catch, Some(Catch::InReset));
    rig.with(|t| {
        assert!(t.halted() && !t.ran && !t.nreset_low);
        assert_eq!(t.demcr() & demcr::VC_CORERESET, 0, "later resets do not halt the core");
    });
}

#[test]
fn where_the_port_is_shut_in_reset_the_core_is_caught_after_the_release() {
    let mut rig = Rig::new(Policy::default());
    rig.with(|t| t.ap1_open_in_reset = false);
    let attached = rig.adi.attach(&how(ConnectMode::UnderReset)).unwrap();
    assert_eq!(attached.catch, Some(Catch::AfterRelease));
    rig.with(|t| assert!(t.halted() && t.ran));
}

#[test]
fn pulse_resets_and_then_does_not_halt() {
    let mut rig = Rig::new(Policy::default());
    rig.with(|t| t.ran = false);
    let attached = rig.adi.attach(&how(ConnectMode::Pulse)).unwrap();
    assert!(!attached.halted);
    rig.with(|t| assert!(t.ran && !t.halted() && !t.nreset_low));
}

#[test]
fn reset_takes_the_time_the_policy_says() {
    let mut rig = Rig::attached(Policy::default());
    let start = rig.adi.clock().now();
    rig.adi.pulse_reset().unwrap();
    assert!(rig.adi.clock().now() - start >= Duration::from_millis(25));
    assert!(rig.bench.borrow().marks.iter().any(|m| m == "sleep: 20ms"));
    assert_eq!(rig.adi.read_word(AP1, Attr::Default, Addr(RAM)).unwrap(), 0);
}

#[test]
fn nrst_that_is_not_wired_is_said_to_be_so() {
    let mut rig = Rig::attached(Policy::default());
    rig.with(|t| t.nreset_works = false);
    let error = rig.adi.pulse_reset().unwrap_err();
    assert!(matches!(error, AdiError::NrstNotWorking { low: true, .. }), "{error}");
    assert!(error.to_string().contains("is NRST wired"));
    let mut rig = Rig::attached(Policy::default());
    rig.bench.borrow_mut().caps.reset_pin = false;
    assert!(matches!(rig.adi.pulse_reset(), Err(AdiError::Unsupported(_))));
}

#[test]
fn nreset_is_released_wherever_a_call_of_the_link_fails() {
    for mode in [ConnectMode::UnderReset, ConnectMode::Pulse] {
        let calls = {
            let mut rig = Rig::new(Policy::default());
            rig.adi.attach(&how(mode)).unwrap();
            rig.bench.borrow().calls
        };
        assert!(calls > 8);
        for call in 0..calls {
            let mut rig = Rig::new(Policy::default());
            rig.bench.borrow_mut().silent_call = Some(call);
            let result = rig.adi.attach(&how(mode));
            assert!(result.is_err(), "{mode} {call}");
            // The one call that releases may itself be the one that fails: then the engine tries again.
            rig.with(|t| assert!(!t.nreset_low, "{mode}: call {call}"));
        }
    }
}

#[test]
fn nreset_that_went_low_without_an_answer_is_released() {
    let mut rig = Rig::attached(Policy::default());
    let now = rig.bench.borrow().calls;
    rig.bench.borrow_mut().silent_call = Some(now);
    assert!(matches!(rig.adi.hold_reset(true), Err(AdiError::ProbeSilent { .. })));
    rig.with(|t| assert!(!t.nreset_low));
}

#[test]
fn nreset_is_released_wherever_the_line_fails() {
    let mut short = Policy::default();
    short.reset.reconnect = Patience::ms(20);
    let count = {
        let mut rig = Rig::new(short.clone());
        rig.adi.attach(&how(ConnectMode::UnderReset)).unwrap();
        rig.with(|t| t.count)
    };
    for at in 0..count {
        for mishap in
            [Mishap::Cut, Mishap::Silence, Mishap::Sticky(0x20), Mishap::Wait(1_000_000), Mishap::Parity]
        {
            let mut rig = Rig::new(short.clone());
            rig.with(|t| t.mishaps.insert(at, mishap));
            let _ = rig.adi.attach(&how(ConnectMode::UnderReset));
            rig.with(|t| assert!(!t.nreset_low, "{mishap:?} at {at}"));
        }
    }
}

#[test]
fn nreset_is_released_when_the_work_under_it_fails_and_when_the_engine_is_dropped() {
    let mut rig = Rig::attached(Policy::default());
    let failed: Result<(), AdiError> = rig.adi.in_reset(|_| Err(AdiError::Unsupported("a test")));
    assert!(failed.is_err());
    rig.with(|t| assert!(!t.nreset_low));
    rig.adi.hold_reset(true).unwrap();
    rig.with(|t| assert!(t.nreset_low));
    let bench = rig.bench.clone();
    drop(rig);
    assert!(!bench.borrow().target.nreset_low);
    assert_eq!(bench.borrow().released, 1);
}

#[test]
fn detaching_lets_go_and_powers_nothing_down() {
    let mut rig = Rig::attached(Policy::default());
    rig.adi.detach().unwrap();
    assert!(rig.adi.attached().is_none());
    rig.with(|t| assert!(t.log.is_empty()));
    let bench = rig.bench.clone();
    drop(rig);
    assert_eq!(bench.borrow().released, 1);
}

#[test]
fn the_connect_modes_read_what_they_write() {
    for mode in ConnectMode::ALL {
        assert_eq!(mode.to_string().parse(), Ok(mode));
    }
    assert!("reset".parse::<ConnectMode>().unwrap_err().contains("under-reset"));
}

#[test]
fn a_change_of_policy_reaches_the_probe_at_once_and_is_marked() {
    let mut rig = Rig::attached(Policy::default());
    let mut policy = Policy::default();
    policy.apply("probe.wait=7x").unwrap();
    rig.adi.set_policy(policy).unwrap();
    assert_eq!(rig.bench.borrow().config.wait_retry, 7);
    assert!(rig.bench.borrow().marks.last().unwrap().contains("probe.wait=7x"));
    rig.adi.set_swclk(wire::Hz::khz(10_000)).unwrap();
    assert_eq!(rig.adi.swclk(), wire::Hz::khz(10_000));
    assert_eq!(rig.adi.wait_budget(), Duration::from_nanos(8 * 1300));
}
