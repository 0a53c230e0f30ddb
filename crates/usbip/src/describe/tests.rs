use super::*;
use wire::TransferKind;

fn identity() -> UsbIdentity {
    UsbIdentity {
        vid: 0x1209,
        pid: 0x0001,
        release: 0x0123,
        manufacturer: "Maker".into(),
        product: "CMSIS-DAP".into(),
        serial: "42".into(),
    }
}

fn endpoint(address: u8, kind: TransferKind, max_packet: u16) -> Endpoint {
    Endpoint { address, kind, max_packet }
}

fn v2(size: u16) -> [Endpoint; 2] {
    [0x01, 0x81].map(|address| endpoint(address, TransferKind::Bulk, size))
}

fn v1(size: u16) -> [Endpoint; 2] {
    [0x02, 0x82].map(|address| endpoint(address, TransferKind::Interrupt, size))
}

fn fast() -> Description {
    Description::new(identity(), Speed::High, vec![Interface::cmsis_dap_v2(&v2(512), Speed::High)])
}

fn slow_hid() -> Description {
    Description::new(identity(), Speed::Full, vec![Interface::cmsis_dap_v1(v1(64))])
}

/// Walks the descriptors of a configuration: each begins with its length and its type.
fn walk(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut all = Vec::new();
    while let [length, kind, ..] = *bytes {
        assert!(length >= 2 && usize::from(length) <= bytes.len(), "a descriptor of length {length}");
        let (one, rest) = bytes.split_at(usize::from(length));
        all.push((kind, one.to_vec()));
        bytes = rest;
    }
    assert!(bytes.is_empty());
    all
}

#[test]
fn the_device_descriptor_is_the_one_of_chapter_nine() {
    let shown = fast().build().unwrap();
    let expected = [18, 1, 0x10, 0x02, 0, 0, 0, 64, 0x09, 0x12, 0x01, 0x00, 0x23, 0x01, 1, 2, 3, 1];
    assert_eq!(shown.device(0x0100).unwrap()[..], expected);
}

#[test]
fn a_bulk_probe_at_high_speed_has_qualifier_and_other_speed() {
    let shown = fast().build().unwrap();
    let configuration = [
        9, 2, 32, 0, 1, 1, 0, 0x80, 50, // configuration
        9, 4, 0, 0, 2, 0xFF, 0, 0, 4, // interface
        7, 5, 0x01, 2, 0x00, 0x02, 0, // OUT, 512
        7, 5, 0x81, 2, 0x00, 0x02, 0, // IN, 512
    ];
    assert_eq!(shown.device(0x0200).unwrap()[..], configuration);
    assert_eq!(shown.device(0x0600).unwrap()[..], [10, 6, 0x10, 0x02, 0, 0, 0, 64, 1, 0]);
    let other = shown.device(0x0700).unwrap();
    assert_eq!(other[1], 7);
    assert_eq!((other[22], other[23]), (64, 0), "64 bytes at full speed");
}

#[test]
fn a_full_speed_probe_has_neither() {
    let shown = slow_hid().build().unwrap();
    assert_eq!(shown.device(0x0600), None);
    assert_eq!(shown.device(0x0700), None);
    assert_eq!(shown.device(0x0F00), None, "USB 2.00 has no BOS");
}

#[test]
fn strings_are_utf16_and_the_first_names_the_language() {
    let shown = fast().build().unwrap();
    assert_eq!(shown.device(0x0300).unwrap()[..], [4, 3, 0x09, 0x04]);
    assert_eq!(shown.device(0x0303).unwrap()[..], [6, 3, b'4', 0, b'2', 0]);
    assert_eq!(shown.device(0x0304).unwrap()[..6], [26, 3, b'C', 0, b'M', 0]);
    assert_eq!(shown.device(0x0305), None);
    assert_eq!(shown.device(0x03EE), None, "no Microsoft OS 1.0 string");
}

#[test]
fn the_serial_of_an_old_st_link_keeps_its_raw_bytes() {
    let serial: String = [0x52u8, 0xC3, 0xFF, 0x06].map(char::from).iter().collect();
    let mut description = slow_hid();
    description.identity.serial = serial;
    let shown = description.build().unwrap();
    assert_eq!(shown.device(0x0303).unwrap()[..], [10, 3, 0x52, 0, 0xC3, 0, 0xFF, 0, 0x06, 0]);
}

#[test]
fn a_hid_says_how_long_its_report_descriptor_is() {
    let shown = slow_hid().build().unwrap();
    let report = shown.interface(0x2200, 0).unwrap();
    let hid = shown.interface(0x2100, 0).unwrap();
    assert_eq!(hid[..], [9, 0x21, 0x11, 0x01, 0, 1, 0x22, u8::try_from(report.len()).unwrap(), 0]);
    assert_eq!(shown.interface(0x2200, 1), None);
    let configuration = shown.device(0x0200).unwrap();
    let kinds: Vec<_> = walk(&configuration).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, [2, 4, 0x21, 5, 5]);
    assert_eq!(usize::from(configuration[2]), configuration.len());
}

#[test]
fn report_counts_above_255_take_two_bytes() {
    let short = Hid::packets(64).report;
    let long = Hid::packets(1024).report;
    assert_eq!(short.windows(2).filter(|w| *w == [0x95, 0x40]).count(), 2);
    assert_eq!(long.windows(3).filter(|w| *w == [0x96, 0x00, 0x04]).count(), 2);
}

#[test]
fn one_interface_gets_winusb_for_the_whole_device() {
    let shown = fast().build().unwrap();
    let set = shown.microsoft.clone().unwrap();
    // Header 10, compatible id 20, registry property 132.
    assert_eq!(set.len(), 162);
    assert_eq!(set[..10], [10, 0, 0, 0, 0, 0, 3, 6, 162, 0]);
    assert_eq!(set[10..24], *b"\x14\0\x03\0WINUSB\0\0\0\0");
    assert_eq!(set[30..38], [132, 0, 4, 0, 7, 0, 42, 0]);
    assert_eq!(set[80..84], [80, 0, b'{', 0]);
    let bos = shown.device(0x0F00).unwrap();
    assert_eq!(bos[..5], [5, 15, 33, 0, 1], "one capability");
    assert_eq!(bos[5..13], [28, 16, 5, 0, 0xDF, 0x60, 0xDD, 0xD8]);
    assert_eq!(bos[25..], [0, 0, 3, 6, 162, 0, VENDOR_CODE, 0]);
}

#[test]
fn a_composite_device_gets_winusb_for_one_function() {
    let description = Description::cmsis_dap_composite(identity(), v1(64), v2(64));
    assert_eq!(description.speed, Speed::Full);
    let set = description.build().unwrap().microsoft.unwrap();
    assert_eq!(set.len(), 178);
    assert_eq!(set[10..18], [8, 0, 1, 0, 0, 0, 168, 0]);
    assert_eq!(set[18..26], [8, 0, 2, 0, 0, 0, 160, 0]);
}

#[test]
fn a_function_stands_before_its_first_interface() {
    let mut description = Description::cmsis_dap_composite(identity(), v1(64), v2(64));
    description.functions =
        vec![Function { first: 1, count: 1, class: Class::HID, name: "Old protocol".into() }];
    let kinds: Vec<_> = walk(&description.build().unwrap().device(0x0200).unwrap())
        .into_iter()
        .map(|(kind, _)| kind)
        .collect();
    assert_eq!(kinds, [2, 4, 5, 5, 0x0B, 4, 0x21, 5, 5]);
}

fn error(change: impl FnOnce(&mut Description)) -> DescriptionError {
    let mut description = fast();
    change(&mut description);
    description.build().unwrap_err()
}

#[test]
fn what_a_host_would_choke_on_is_refused_by_name() {
    use DescriptionError as E;
    assert_eq!(error(|d| d.interfaces.clear()), E::Interfaces(0));
    assert_eq!(error(|d| d.interfaces[0].endpoints[0].address = 0x80), E::Address(0x80));
    assert_eq!(error(|d| d.interfaces[0].endpoints[0].address = 0x11), E::Address(0x11));
    assert_eq!(error(|d| d.interfaces[0].endpoints[0].address = 0x81), E::Twice(0x81));
    assert_eq!(error(|d| d.interfaces[0].endpoints[0].kind = TransferKind::Control), E::Control(1));
    let size = E::PacketSize { address: 1, size: 64, speed: Speed::High };
    assert_eq!(error(|d| d.interfaces[0].endpoints[0].max_packet = 64), size);
    assert_eq!(error(|d| d.milliamps = 501), E::Power(501));
    assert_eq!(error(|d| d.usb = 0x0200), E::NoBos(0x0200));
    assert_eq!(error(|d| d.interfaces[0].winusb = Some("{1}".into())), E::Guid("{1}".into()));
    assert_eq!(error(|d| d.identity.serial = "x".repeat(127)), E::Text("x".repeat(127)));
    assert_eq!(error(|d| d.interfaces[0].hid = Some(Hid::packets(64))), E::HidWithoutInput(0));
    let function = Function { first: 0, count: 2, class: Class::VENDOR, name: String::new() };
    assert_eq!(error(|d| d.functions = vec![function]), E::Function { first: 0, count: 2 });
    let interrupts = |d: &mut Description| {
        d.interfaces = vec![Interface { interval: 17, ..Interface::cmsis_dap_v1(v1(1024)) }];
    };
    assert_eq!(error(interrupts), E::Interval(0));
    let long = |d: &mut Description| d.interfaces[0].extra = Bytes::from(vec![0; 0x1_0000]);
    assert_eq!(error(long), E::Length("configuration"));
    assert!({
        let mut longest = fast();
        longest.identity.serial = "x".repeat(126);
        longest.build().is_ok()
    });
}
