use super::*;

fn raw(hardware: u16, x: u16, y: u16, pid: u16) -> RawVersion {
    RawVersion { word: hardware << 12 | x << 6 | y, vid: 0x0483, pid }
}

#[test]
fn the_small_numbers_are_swim_on_a_v2() {
    assert_eq!(Version::from_raw(raw(2, 45, 7, 0x3748)).to_string(), "V2J45S7");
}

#[test]
fn on_a_v2_1_the_second_number_is_the_disk_unless_it_can_only_debug_stm8() {
    for (x, y, text) in [
        (33, 25, "V2J33M25"),
        (28, 17, "V2J28M17"),
        (22, 7, "V2M22S7"),
        (23, 7, "V2J23M7"),
        (25, 7, "V2M25S7"),
        (25, 12, "V2M25S12"),
        (25, 13, "V2J25M13"),
        (24, 12, "V2J24M12"),
    ] {
        assert_eq!(Version::from_raw(raw(2, x, y, 0x374B)).to_string(), text);
    }
}

#[test]
fn a_v3_is_asked_again() {
    let first = raw(3, 0, 0, 0x374E);
    assert!(first.is_extended());
    assert!(!raw(2, 0, 0, 0x3748).is_extended());
    let ext = VersionExt {
        hardware: 3,
        swim: 1,
        jtag: 9,
        msc: 3,
        bridge: 5,
        power: 0,
        reserved: 0,
        vid: 0x0483,
        pid: 0x374F,
    };
    assert_eq!(Version::from_ext(ext).to_string(), "V3J9M3B5S1");
}

#[test]
fn abilities_begin_exactly_with_their_version() {
    let v2 = |jtag| Version { hardware: 2, jtag, ..Version::default() };
    let v3 = |jtag| Version { hardware: 3, jtag, ..Version::default() };
    for (feature, in_v2, in_v3) in [
        (Feature::TargetVoltage, 13, 0),
        (Feature::LastRwStatus2, 15, 0),
        (Feature::DapRegisters, 24, 0),
        (Feature::Mem16, 26, 0),
        (Feature::InitAp, 28, 0),
        (Feature::RwMisc, 32, 2),
        (Feature::CswArgument, 32, 2),
        (Feature::DftReg, 35, 5),
        (Feature::BoardIdentifiers, 36, 6),
        (Feature::ApMustBeOpened, 37, 7),
    ] {
        assert!(v2(in_v2).has(feature) && !v2(in_v2 - 1).has(feature), "{feature:?}");
        assert!(v3(in_v3).has(feature), "{feature:?}");
        assert!(in_v3 == 0 || !v3(in_v3 - 1).has(feature), "{feature:?}");
    }
    assert!(v2(22).has(Feature::SwdSetFreq) && !v3(22).has(Feature::SwdSetFreq));
    assert!(!v2(60).has(Feature::ComFreq) && v3(1).has(Feature::ComFreq));
    assert_eq!((v2(60).most_bytes(), v3(5).most_bytes(), v3(6).most_bytes()), (64, 64, 512));
}

#[test]
fn a_v1_can_do_nothing() {
    let v1 = Version { hardware: 1, jtag: 60, ..Version::default() };
    assert!(Feature::ALL.iter().all(|feature| !v1.has(*feature)));
}
