//! ST-Link firmware from the oldest on: what each can do with an STM32H5, and what it says when it cannot. [STL-4] [STL-5]

use ackwait_tests::line::Line;
use ackwait_tests::{AP1, Rig, options, pattern};
use adi::Attach;
use provision::Exit;
use provision::journal::MemoryShelf;
use session::Session;
use sim::SimProbe;
use wire::{Addr, Attr};

const SRAM: Addr = Addr(0x2000_0000);

fn scenario(probe: &str, firmware: &str) -> String {
    format!("h562,probe={probe},stlink.fw={firmware}")
}

#[test]
fn firmware_without_debug_port_registers_is_refused_when_the_probe_is_opened() {
    for (probe, firmware) in [("stlink-v2", "V2J13S0"), ("stlink-v2", "V2J23S4"), ("stlink-v21", "V2J23M9")] {
        let device = SimProbe::open(&scenario(probe, firmware));
        // Some pairs of numbers are for STM8 only, and no debug firmware at all.
        let Ok(device) = device else { continue };
        let refused = Session::simulated(device, &options()).expect_err("too old").to_string();
        assert!(refused.contains("V2J24") && refused.contains("STSW-LINK007"), "{firmware}: {refused}");
    }
}

#[test]
fn firmware_with_access_port_0_only_attaches_and_says_what_brings_the_others() {
    for firmware in ["V2J24S4", "V2J26S6", "V2J27S6"] {
        let mut rig = Rig::new(&scenario("stlink-v2", firmware));
        rig.adi().attach(&Attach::HOTPLUG).unwrap_or_else(|error| panic!("{firmware}: {error}"));
        let refused = rig.adi().read_word(AP1, Attr::Default, SRAM).expect_err("AP1").to_string();
        assert!(refused.contains("V2J28"), "{firmware}: {refused}");
    }
}

#[test]
fn firmware_with_access_ports_moves_memory() {
    let bytes = pattern(16 * 1024);
    let image: Vec<u32> = bytes.as_chunks::<4>().0.iter().map(|w| u32::from_le_bytes(*w)).collect();
    for (probe, firmware) in [
        ("stlink-v2", "V2J28S6"),
        ("stlink-v2", "V2J29S7"),
        ("stlink-v21", "V2J31M21"),
        ("stlink-v3", "V3J1M1"),
        ("stlink-v3", "V3J2M2"),
    ] {
        let mut rig = Rig::new(&scenario(probe, firmware));
        rig.adi().attach(&Attach::HOTPLUG).unwrap_or_else(|error| panic!("{firmware}: {error}"));
        rig.adi().write_words(AP1, Attr::Default, SRAM, &image).expect("written");
        let back = rig.adi().read_words(AP1, Attr::Default, SRAM, image.len()).expect("read");
        assert_eq!(back, image, "{firmware}");
    }
}

#[test]
fn the_job_runs_to_closed_or_says_which_firmware_it_needs() {
    for (probe, firmware) in [
        ("stlink-v2", "V2J24S4"),
        ("stlink-v2", "V2J28S6"),
        ("stlink-v21", "V2J31M21"),
        ("stlink-v2", "V2J32S7"),
        ("stlink-v21", "V2J37M26"),
        ("stlink-v21", "V2J45M31"),
        ("stlink-v2", "V2J48S7"),
        ("stlink-v3", "V3J1M1"),
        ("stlink-v3", "V3J2M2"),
        ("stlink-v3", "V3J5M2"),
        ("stlink-v3", "V3J7M3B5S1"),
        ("stlink-v3", "V3J16M9B5S1"),
    ] {
        let outcome = Line::load("job.toml").fresh(&scenario(probe, firmware), &MemoryShelf::default());
        match outcome.report.result {
            Ok(_) => println!("{firmware}: closed"),
            Err(failure) => {
                let text = failure.error.to_string();
                println!("{firmware}: {:?}: {text}", failure.exit);
                assert!(text.contains("STSW-LINK007"), "{firmware}: {text}");
                assert_ne!(failure.exit, Exit::Done);
                assert!(
                    ["V2J24S4", "V2J28S6", "V2J31M21", "V3J1M1"].contains(&firmware),
                    "{firmware}: {text}"
                );
            }
        }
    }
}
