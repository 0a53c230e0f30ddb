use super::*;
use crate::identify::HidPlace;
use crate::usb::{BulkPlace, Listening};

const BULK: Way = Way::Bulk(BulkPlace {
    interface: 1,
    alternate: 0,
    out: 0x01,
    input: 0x81,
    max_packet: 64,
    listening: Listening::Ahead,
});
const HID: Way = Way::Hid(HidPlace { interface: 0, out: 0x02, input: 0x82, max_packet: 64, named: false });

fn view(location: &str, id: (u16, u16), serial: Option<&str>) -> UsbView {
    UsbView {
        location: location.parse().unwrap(),
        address: 9,
        id,
        release: 0x0100,
        product: Some("Some CMSIS-DAP".to_owned()),
        serial: serial.map(str::to_owned),
        interfaces: vec![],
    }
}

fn both(serial: Option<&str>) -> Identified {
    Identified {
        ways: vec![(Protocol::CmsisDapV2, BULK), (Protocol::CmsisDapV1, HID)],
        protocol: Protocol::CmsisDapV2,
        serial: serial.map(str::to_owned),
        in_flight: None,
        trouble: None,
    }
}

const DAPLINK: (u16, u16) = (0x0D28, 0x0204);

fn probe(location: &str, serial: Option<&str>) -> FoundProbe {
    settle(view(location, DAPLINK, serial), both(serial), |_, _| Ok(()))
}

fn by_id(serial: Option<&str>) -> Wanted {
    Wanted::Id { vid: DAPLINK.0, pid: DAPLINK.1, serial: serial.map(str::to_owned) }
}

#[test]
fn bulk_is_chosen_where_both_can_be_had() {
    let found = probe("1-2", Some("A"));
    assert_eq!((found.protocol, found.way, found.trouble), (Protocol::CmsisDapV2, Some(BULK), None));
}

#[test]
fn hid_is_chosen_where_only_hid_may_be_opened() {
    let denied = |_: &UsbView, way: &Way| match way {
        Way::Bulk(_) => Err(Trouble::Permission("node".into())),
        Way::Hid(_) => Ok(()),
    };
    let found = settle(view("1-2", DAPLINK, None), both(None), denied);
    assert_eq!((found.protocol, found.way, found.trouble), (Protocol::CmsisDapV1, Some(HID), None));
}

#[test]
fn a_probe_that_another_program_holds_is_not_entered_by_the_other_door() {
    let busy = |_: &UsbView, way: &Way| if *way == BULK { Err(Trouble::Busy) } else { Ok(()) };
    let found = settle(view("1-2", DAPLINK, None), both(None), busy);
    assert_eq!((found.way, found.trouble), (None, Some(Trouble::Busy)));
}

#[test]
fn the_trouble_of_the_best_way_is_told() {
    let denied = |_: &UsbView, way: &Way| {
        Err(if *way == BULK { Trouble::Permission("bulk".into()) } else { Trouble::System("hid".into()) })
    };
    let found = settle(view("1-2", DAPLINK, None), both(None), denied);
    assert_eq!(found.trouble, Some(Trouble::Permission("bulk".into())));
    assert!(matches!(open(&found, Arc::new(pace::VirtualClock::new())), Err(FindError::Unusable { .. })));
}

#[test]
fn each_name_finds_its_probe() {
    let all = [probe("1-2", Some("aB01")), probe("1-3.1", Some("aB02"))];
    for wanted in
        [by_id(Some("Ab02")), Wanted::Serial("AB02".into()), Wanted::Socket("1-3.1".parse().unwrap())]
    {
        assert_eq!(select(&all, &wanted).unwrap(), &all[1]);
    }
}

#[test]
fn a_name_that_fits_two_probes_is_refused_with_both() {
    let all = [probe("1-2", Some("A")), probe("1-3", Some("A")), probe("1-4", None)];
    for (wanted, count) in [(by_id(None), 3), (by_id(Some("A")), 2), (Wanted::Serial("a".into()), 2)] {
        let error = select(&all, &wanted).unwrap_err();
        let FindError::Ambiguous(candidates) = &error else { panic!("{error}") };
        assert_eq!(candidates.len(), count);
        let text = error.to_string();
        assert!(
            text.contains("usb:1-2") && text.contains("usb:1-3") && text.contains("0d28:0204:A"),
            "{text}"
        );
    }
}

#[test]
fn no_probe_says_what_else_is_there() {
    let error = select(&[probe("1-2", Some("A"))], &Wanted::Serial("B".into())).unwrap_err();
    assert!(error.to_string().contains("0d28:0204:A usb:1-2 CMSIS-DAP v2"), "{error}");
    let error = select(&[], &Wanted::Serial("B".into())).unwrap_err();
    assert!(error.to_string().ends_with("there is none at all"), "{error}");
}

#[test]
fn a_probe_without_a_serial_number_is_not_found_by_an_empty_one() {
    assert!(matches!(select(&[probe("1-2", None)], &Wanted::Serial(String::new())), Err(FindError::None(_))));
}

#[test]
fn a_probe_in_trouble_is_shown_and_refused_with_its_reason_said_once() {
    let mut loader = probe("1-2", Some("A"));
    loader.trouble = Some(Trouble::Loader);
    assert!(loader.to_string().contains("loader"));
    let error = select(&[loader], &by_id(None)).unwrap_err();
    assert!(matches!(&error, FindError::Unusable { trouble: Trouble::Loader, .. }));
    assert_eq!(error.to_string().matches("loader").count(), 1, "{error}");
}

#[test]
fn the_numbers_of_libusb_become_reasons() {
    let view = view("2-1", DAPLINK, None);
    assert_eq!(
        usb_trouble(&view, rusb::Error::Access),
        Trouble::Permission("/dev/bus/usb/002/009".to_owned())
    );
    assert_eq!(usb_trouble(&view, rusb::Error::Busy), Trouble::Busy);
    assert_eq!(usb_trouble(&view, rusb::Error::NoDevice), Trouble::Gone);
    assert!(matches!(usb_trouble(&view, rusb::Error::NotSupported), Trouble::System(_)));
}

#[test]
fn looking_for_probes_is_no_error_on_a_machine_without_usb() {
    for probe in find(&pace::Policy::default().usb) {
        assert!(probe.trouble.is_some() || probe.way.is_some());
    }
}

/// Old V2 firmware has 12 raw bytes where the serial number belongs. [STL-15]
#[test]
fn a_serial_number_of_raw_bytes_is_listed_and_selected_by_its_hex_digits() {
    let raw = "\u{51}\u{ff}\u{6c}\u{6}\u{50}\u{49}\u{52}\u{55}\u{28}\u{15}\u{54}\u{18}";
    let old = view("1-4", (0x0483, 0x3748), Some(raw));
    let what = identify(&old).unwrap();
    let all = [settle(old, what, |_, _| Ok(()))];
    assert!(all[0].to_string().contains("51FF6C065049525528155418"), "{}", all[0]);
    let wanted = Wanted::Serial("51ff6c065049525528155418".to_owned());
    assert!(select(&all, &wanted).is_ok());
}
