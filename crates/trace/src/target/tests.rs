use super::*;
use crate::script::{AP, DP, READ, Script, lines};
use crate::{Options, Trace};
use wire::Level;

fn target(build: impl FnOnce(&mut Script)) -> (Names, String) {
    let mut script = Script::new();
    build(&mut script);
    let Target { names, text } = crate::open(&script.bytes()).unwrap().target().clone();
    (names, text)
}

#[test]
fn without_evidence_no_chip_is_assumed() {
    let (names, why) = target(|s| {
        s.ap1().poke(0x4002_2004, 0x4567_0123);
    });
    assert_eq!(names, Names::CortexM);
    assert!(why.contains("nothing"), "{why}");
}

#[test]
fn dbgmcu_idcode_tells_before_everything_else() {
    let read = |at: u32, idcode: u32| {
        target(|s| {
            s.read(DP, 0, 0x6BA0_2477).ap1().peek(at, idcode).read(DP, 0xC, idcode);
        })
    };
    for at in [0x4402_4000, 0xE004_4000] {
        assert_eq!(
            read(at, 0x1000_6484),
            (Names::Stm32H5, "STM32H5, by DBGMCU_IDCODE 0x1000_6484".to_owned())
        );
        assert_eq!(
            read(at, 0x2000_6450),
            (Names::CortexM, "no STM32H5, by DBGMCU_IDCODE 0x2000_6450".to_owned())
        );
    }
    assert_eq!(read(0x4402_4000, 0).0, Names::Stm32H5, "nothing was read: DPIDR tells");
}

#[test]
fn targetid_and_the_name_that_the_probe_gives_tell_too() {
    let by_id = |id: u32| {
        target(|s| {
            s.write(DP, 8, 2).read(DP, 4, id);
        })
    };
    assert_eq!(by_id(0x1484_0041).0, Names::Stm32H5);
    assert_eq!(by_id(0x1002_927F).0, Names::CortexM);
    let by_name = |name: &[u8]| {
        let answer = [&[0, u8::try_from(name.len()).unwrap()], name].concat();
        target(|s| {
            s.ask(&[0, 6], &answer).ap1().poke(0x2000_0000, 1);
        })
    };
    assert_eq!(by_name(b"STM32H573IIKxQ\0").0, Names::Stm32H5);
    assert_eq!(
        by_name(b"nRF52840\0"),
        (Names::CortexM, "no STM32H5, by the probe, which is on a nRF52840".to_owned())
    );
}

#[test]
fn dpidr_alone_tells_until_core_or_ports_speak_against_it() {
    let read = |more: fn(&mut Script)| {
        target(|s| {
            s.read(DP, 0, 0x6BA0_2477);
            more(s);
        })
    };
    let (names, why) = read(|_| {});
    assert!(names == Names::Stm32H5 && why.contains("a few other"), "{why}");
    // A Cortex-M7, and a part whose AP0 is on the system bus.
    let m7 = read(|s| {
        s.ap1().peek(0xE000_ED00, 0x411F_C271).read(DP, 0xC, 0x411F_C271);
    });
    assert_eq!(m7, (Names::CortexM, "no STM32H5, by CPUID 0x411F_C271".to_owned()));
    let other_port = read(|s| {
        s.write(DP, 8, 0xF0).read(AP, 0xC, 0x8477_0001);
    });
    assert_eq!(other_port.0, Names::CortexM);
    assert_eq!(
        target(|s| {
            s.read(DP, 0, 0x0BB1_1477);
        }),
        (Names::CortexM, "no STM32H5, by DPIDR 0x0BB1_1477".to_owned())
    );
}

#[test]
fn the_ports_tell_where_dpidr_was_not_seen() {
    let (names, why) = target(|s| {
        s.write(DP, 8, 0xF0).read(AP, 0xC, 0x5477_0002).write(DP, 8, 0x0100_00F0).read(AP, 0xC, 0x8477_0001);
    });
    assert!(names == Names::Stm32H5 && why.contains("AP0"), "{why}");
}

#[test]
fn the_same_accesses_have_other_names_and_actions_on_another_chip() {
    let mut script = Script::new();
    script.ap1().poke(0x4002_2004, 0x4567_0123).poke(0x4002_2004, 0xCDEF_89AB);
    script.poke(0xE000_EDF0, 0xA05F_0003).ask(&[5, 0, 1, AP | READ], &[5, 1, 1, 0x52, 0, 0, 0x23]);
    let told = |names| -> Vec<String> {
        let how = Options { names: Some(names), ..Options::default() };
        let trace: Trace = crate::open_with(&script.bytes(), &how).unwrap();
        lines(&trace, Level::Action)
    };
    let csw = "AP1 CSW read Size=32 AddrInc=single DeviceEn=1 HPROT=0x3 HNONSEC=0 (0x2300_0052)";
    let h5 = told(Names::Stm32H5);
    assert_eq!(h5[..2], ["unlock flash", "halt the core"]);
    let other = told(Names::CortexM);
    let key = |value: &str| format!("peripherals 0x4002_2004 write {value}");
    assert_eq!(other[..3], [key("0x4567_0123"), key("0xCDEF_89AB"), "halt the core".to_owned()]);
    let word = |text: &str| text.split(' ').next().map(str::to_owned);
    assert_eq!((word(&h5[2]), word(&other[3])), (word(csw), word(csw)));
}
