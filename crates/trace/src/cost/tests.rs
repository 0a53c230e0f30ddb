use super::{Cost, Floor};
use crate::script::{AP, Script};

const RAM: u32 = 0x2000_0000;
const SR: u32 = 0x4002_2020;

fn cost(build: impl FnOnce(&mut Script)) -> Cost {
    let mut script = Script::new();
    build(script.ap1());
    Cost::of(&script.trace())
}

#[test]
fn the_floor_of_a_block_is_one_transaction_a_word_and_its_address_once() {
    let block = cost(|s| {
        s.poke(RAM, 0);
        (1..256).for_each(|n| {
            s.write(AP, 0xC, n);
        });
    });
    let expected = Floor {
        transactions: 259,
        clocks: 259 * 46,
        data: 256,
        tar: 1,
        select: 1,
        csw: 1,
        ..Floor::default()
    };
    assert_eq!(block.floor, expected);
    let longer = cost(|s| {
        s.poke(RAM + 0x3FC, 0).poke(RAM + 0x400, 1);
    });
    assert_eq!((longer.floor.data, longer.floor.tar), (2, 2), "auto-increment ends at 1 KiB");
}

#[test]
fn reads_are_posted_and_the_last_of_a_run_is_fetched() {
    let reads = cost(|s| {
        s.peek(SR, 1).peek(SR, 1).peek(SR, 0).poke(SR + 8, 1).peek(SR, 0);
    });
    assert_eq!((reads.floor.data, reads.floor.rdbuff), (5, 2));
    assert_eq!(reads.floor.tar, 1, "both registers are in one group of 16 bytes");
}

#[test]
fn what_is_spent_counts_what_the_floor_leaves_out() {
    let spent = cost(|s| {
        s.write(AP, 4, RAM)
            .write(AP, 4, RAM)
            .ask(&[0x05, 0, 1, AP | 0xC, 1, 0, 0, 0], &[0x05, 0, 2])
            .write(AP, 0xC, 1);
    });
    let wire = spent.wire.unwrap();
    // Each write is followed by a look at RDBUFF; the one that was answered WAIT is not.
    assert_eq!((wire.transactions, wire.waits, wire.wait_clocks), (11, 1, 13));
    assert_eq!(wire.clocks, 10 * 46 + 13);
    assert_eq!((wire.redundant, spent.floor.transactions), (1, 4));
    assert_eq!(spent.usb.unwrap().round_trips, 6);
}

#[test]
fn idle_clocks_turnaround_and_sequences_are_clocks() {
    let mut reset = vec![0x12, 51];
    reset.extend([0xFF; 7]);
    let plain = cost(|s| {
        s.poke(RAM, 1);
    });
    let more = cost(|s| {
        s.ask(&[0x04, 8, 0, 0, 0, 0], &[0x04, 0])
            .ask(&[0x13, 1], &[0x13, 0])
            .ask(&reset, &[0x12, 0])
            .poke(RAM, 1);
    });
    let clocks = |cost: &Cost| cost.wire.unwrap().clocks;
    assert_eq!(clocks(&more) - clocks(&plain), 51 + 4 * (8 + 2));
    assert_eq!(more.floor.clocks, more.floor.transactions * 48);
}

#[test]
fn no_floor_is_above_what_was_spent() {
    let spent = cost(|s| {
        (0..50).for_each(|n| {
            s.poke(RAM + 8 * n, n).peek(SR, n);
        });
    });
    assert!(spent.floor.clocks < spent.wire.unwrap().clocks);
    assert!(spent.usb_floor.unwrap().transfers < spent.usb.unwrap().transfers);
    assert!(spent.usb_floor.unwrap().bytes < spent.usb.unwrap().bytes);
}

#[test]
fn an_st_link_shows_what_it_costs_on_usb_and_keeps_the_wire_to_itself() {
    let mut script = Script::new();
    script.ask(&crate::script::st(&[0xF2, 0x3E]), &[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let cost = Cost::of(&script.trace());
    assert_eq!((cost.wire, cost.usb_floor), (None, None));
    assert_eq!(cost.usb.unwrap().round_trips, 1);
}
