//! Whatever a debugger does, the chip answers, time goes on, and its memory can be put away.

use super::bench::Rig;
use crate::bus::{Chip, Request};
use crate::knobs::{MS, US};
use proptest::prelude::*;
use regs::h5::da::MAGIC_HOST;
use regs::h5::dbgmcu::BASE_AP0;
use regs::h5::flash::{BASE, key};
use regs::h5::{memory, sbs};
use wire::{Bench as _, Cable, Width};

#[derive(Debug, Clone)]
enum Act {
    Access { ap: u8, at: u32, width: Width, write: Option<u32>, secure: bool },
    Wait(u64),
    Reset(bool),
    Cable(Cable),
    PowerCycle,
}

fn address() -> impl Strategy<Value = u32> {
    let bases = prop::sample::select(vec![
        BASE,
        BASE,
        BASE,
        BASE + 0x1000_0000,
        memory::FLASH,
        memory::OBK,
        memory::OTP,
        memory::UID,
        memory::SYSTEM_FLASH + 0x1_FB00,
        0x2005_0000,
        0x0A00_0000,
        sbs::BASE,
        0x4402_0C00,
        BASE_AP0,
        0xE000_ED00,
        0xE000_2000,
        0xE00F_F000,
    ]);
    let near = (bases, 0..0x200u32).prop_map(|(base, offset)| base + offset);
    prop_oneof![9 => near, 1 => any::<u32>()]
}

fn value() -> impl Strategy<Value = u32> {
    let words: Vec<u32> = [key::FLASH, key::OPTION, key::OBK].concat();
    let known = prop::sample::select(words);
    let magic = prop::sample::select(vec![MAGIC_HOST, 0xA05F_0003, 0xA05F_0001, 0x05FA_0004, 0x0010_0000]);
    // One or two bits: PG, STRT, LOCK, OPTSTRT and the like.
    let bits = (0..32u32, 0..32u32).prop_map(|(a, b)| 1 << a | 1 << b);
    prop_oneof![known, magic, bits, any::<u32>()]
}

fn act() -> impl Strategy<Value = Act> {
    let width = prop::sample::select(vec![Width::Word, Width::Word, Width::Word, Width::Half, Width::Byte]);
    let access = (0..3u8, address(), width, prop::option::of(value()), any::<bool>());
    let access = access.prop_map(|(ap, at, width, write, secure)| {
        let at = at & !(width.bytes() - 1);
        Act::Access { ap, at, width, write: write.map(|value| value & width.mask()), secure }
    });
    let unlock = prop::sample::select(vec![(4u32, key::FLASH), (0xC, key::OPTION), (0x10, key::OBK)]);
    let key = (unlock, 0..2usize).prop_map(|((register, keys), n)| Act::Access {
        ap: 1,
        at: BASE + register,
        width: Width::Word,
        write: Some(keys[n]),
        secure: false,
    });
    let cables = vec![Cable::Out, Cable::ChargeOnly, Cable::Data];
    prop_oneof![
        40 => access,
        8 => key,
        6 => (0..40_000 * US).prop_map(Act::Wait),
        2 => any::<bool>().prop_map(Act::Reset),
        1 => prop::sample::select(cables).prop_map(Act::Cable),
        1 => Just(Act::PowerCycle),
    ]
}

fn perform(rig: &mut Rig, act: &Act) {
    match *act {
        Act::Access { ap, at, width, write, secure } => {
            rig.now += US;
            rig.chip.access(&Request { ap, at, width, write, secure }, rig.now);
        }
        Act::Wait(time) => rig.wait(time),
        Act::Reset(low) => rig.chip.drive_reset(low, rig.now),
        Act::Cable(cable) => rig.chip.pins.cable = cable,
        Act::PowerCycle => rig.power_cycle(),
    }
}

proptest! {
    #[test]
    fn no_access_upsets_the_chip(
        part in prop::sample::select(vec!["h503", "h523", "h562", "h573"]),
        bus in prop::sample::select(vec!["stall", "buffered", "drop"]),
        usb in prop::sample::select(vec!["off", "halted-owner", "slow-service"]),
        acts in prop::collection::vec(act(), 0..200),
    ) {
        let mut rig = Rig::new(&format!("{part},flash.bus={bus},rom.usb={usb}"));
        for act in &acts {
            perform(&mut rig, act);
        }
        rig.wait(5000 * MS);
        rig.power_cycle();
        prop_assert!(rig.chip.powered(rig.now));
    }

    #[test]
    fn an_image_of_any_memory_goes_there_and_back(acts in prop::collection::vec(act(), 0..100)) {
        let scenario = crate::Scenario::parse("h562").unwrap();
        let mut board = crate::Board::open(&scenario).unwrap();
        let mut now = 100 * MS;
        for act in &acts {
            now += US;
            if let Act::Access { ap, at, width, write, secure } = *act {
                board.access(&Request { ap, at, width, write, secure }, now);
            }
            if let Act::Cable(cable) = *act {
                board.cable(cable).unwrap();
            }
        }
        let image = board.nonvolatile();
        let again = crate::Board::from_nonvolatile(&scenario, &image).unwrap();
        prop_assert_eq!(again.nonvolatile(), image);
    }
}
