use super::{Rates, Stat};
use crate::script::{AP, DP, READ, Script};
use wire::MarkKind;

const RAM: u32 = 0x2000_0000;

fn stat(build: impl FnOnce(&mut Script)) -> Stat {
    let mut script = Script::new();
    build(script.ap1());
    Stat::of(&script.trace())
}

#[test]
fn latencies_have_percentiles_and_a_histogram_at_each_level() {
    let stat = stat(|s| {
        (0..9).for_each(|n| {
            s.poke(RAM, n);
        });
        // One answer takes a second.
        s.send(&[0x05, 0, 1, AP | READ | 0xC]);
        s.at += std::time::Duration::from_secs(1);
        s.receive(&[0x05, 1, 1, 0, 0, 0, 0]);
    });
    let commands = stat.latency.iter().find(|latency| latency.level == 1).unwrap();
    assert_eq!((commands.count, commands.p50_ns, commands.max_ns), (21, 100_000, 1_000_100_000));
    assert_eq!((commands.p95_ns, commands.p99_ns), (100_000, 1_000_100_000));
    assert_eq!(commands.histogram, [(100_000, 20), (2_000_000_000, 1)]);
    let levels: Vec<u8> = stat.latency.iter().map(|latency| latency.level).collect();
    assert_eq!(levels, [0, 1, 3, 5], "how long a transaction took is not on USB");
    let of: Vec<&str> = stat.latency.iter().map(|latency| latency.of).collect();
    assert_eq!(of, ["USB transfers", "packets", "accesses, by packets", "actions"]);
}

#[test]
fn waits_have_a_longest_run_and_a_time_lost() {
    let wait = |s: &mut Script, times: usize| {
        s.write(AP, 4, RAM);
        (0..times).for_each(|_| {
            s.ask(&[0x05, 0, 1, AP | READ | 0xC], &[0x05, 0, 2]);
        });
        s.read(AP, 0xC, 1);
    };
    let stat = stat(|s| {
        wait(s, 1);
        wait(s, 4);
    });
    let waits = stat.waits;
    assert_eq!((waits.count, waits.runs, waits.longest_run), (5, 2, 4));
    // Each of these packets takes 100 µs.
    assert_eq!((waits.lost_ns, waits.longest_at_ns), (500_000, 600_000));
    assert_eq!(stat.transactions.longest_wait_run, 4);
}

#[test]
fn a_fault_is_told_with_the_flag_and_with_what_stands_before_it() {
    let fault = [0x05, 0, 1, AP | READ | 0xC];
    let told = stat(|s| {
        s.poke(0x3000_0000, 1).write(AP, 4, RAM).ask(&fault, &[0x05, 0, 4]).ask(&fault, &[0x05, 0, 4]);
        s.read(DP, 4, 0xF000_0020).write(DP, 0, 0x1E).ask(&fault, &[0x05, 0, 4]).write(DP, 0, 0x1E);
    });
    assert_eq!(told.fault_count, 3);
    let causes: Vec<_> = told.faults.iter().map(|fault| fault.cause.as_str()).collect();
    let first = told.faults[0].event;
    assert_eq!(causes[0], "STICKYERR=1, behind SRAM1 0x3000_0000 write 0x0000_0001");
    assert_eq!(causes[1], format!("the sticky flag that #{first} met is still set"));
    assert_eq!(causes[2], "CTRL/STAT was not read behind it");
}

#[test]
fn silences_are_told_with_what_was_before_and_what_a_mark_says() {
    let stat = stat(|s| {
        s.poke(0x4002_2028, 2).mark(MarkKind::Sleep, "20ms");
        s.at += std::time::Duration::from_millis(20);
        s.peek(0x4002_2020, 0);
    });
    assert_eq!((stat.gaps.len(), stat.gaps[0].duration_ns), (1, 20_000_000));
    assert_eq!(stat.gaps[0].behind, "FLASH_NSCR write PG=1 (0x0000_0002)");
    assert_eq!(stat.gaps[0].mark.as_deref(), Some("sleep: 20ms"));
}

#[test]
fn swclk_is_what_was_asked_for_and_at_least_what_the_busiest_command_needs() {
    let stat = stat(|s| {
        let mut words = vec![0x06, 0, 12, 0, AP | 0xC];
        words.extend([0; 48]);
        s.ask(&[0x11, 0, 9, 61, 0], &[0x11, 0]).write(AP, 4, RAM).ask(&words, &[0x06, 12, 0, 1]);
    });
    assert_eq!(stat.swclk.asked_hz, Some(4_000_000));
    // Twelve words and a look at RDBUFF in 100 µs.
    assert_eq!(stat.swclk.at_least_hz, Some(13 * 46 * 10_000));
}

#[test]
fn rates_are_a_second_of_the_whole_recording() {
    let stat = stat(|s| {
        s.poke(RAM, 1).poke(RAM + 4, 2);
    });
    // Six packets of 100 µs.
    assert_eq!(stat.duration_ns, 600_000);
    let Rates { bytes_written, round_trips, .. } = stat.rates;
    assert_eq!((bytes_written, round_trips), (13_333, 10_000));
}
