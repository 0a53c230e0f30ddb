use super::*;
use wire::Endpoint;

fn endpoints(kind: TransferKind, addresses: &[u8], max_packet: u16) -> Vec<Endpoint> {
    addresses.iter().map(|address| Endpoint { address: *address, kind, max_packet }).collect()
}

fn bulk(number: u8, class: u8, name: Option<&str>, addresses: &[u8]) -> InterfaceView {
    let endpoints = endpoints(TransferKind::Bulk, addresses, 64);
    InterfaceView { number, alternate: 0, class: (class, 0, 0), name: name.map(str::to_owned), endpoints }
}

fn hid(number: u8, name: Option<&str>, addresses: &[u8]) -> InterfaceView {
    let endpoints = endpoints(TransferKind::Interrupt, addresses, 64);
    InterfaceView { number, alternate: 0, class: (3, 0, 0), name: name.map(str::to_owned), endpoints }
}

fn view(id: (u16, u16), product: &str, interfaces: Vec<InterfaceView>) -> UsbView {
    UsbView {
        location: "1-2".parse().unwrap(),
        address: 7,
        id,
        release: 0x0100,
        product: Some(product.to_owned()),
        serial: Some("0042".to_owned()),
        interfaces,
    }
}

const STRANGER: (u16, u16) = (0x1209, 0x0001);

fn ways(view: &UsbView) -> Vec<Way> {
    identify(view).map(|found| found.ways.into_iter().map(|(_, way)| way).collect()).unwrap_or_default()
}

fn interfaces(view: &UsbView) -> Vec<(u8, bool)> {
    let number = |way: Way| match way {
        Way::Bulk(place) => (place.interface, true),
        Way::Hid(place) => (place.interface, false),
    };
    ways(view).into_iter().map(number).collect()
}

#[test]
fn a_debugprobe_is_reached_over_its_named_bulk_interface() {
    let named = bulk(0, 0xFF, Some("CMSIS-DAP v2 Interface"), &[0x04, 0x85]);
    let uart = bulk(2, 0x0A, Some("CDC-ACM UART Interface"), &[0x02, 0x83]);
    let mut probe = view(DEBUGPROBE, "Debug Probe (CMSIS-DAP)", vec![named, uart]);
    probe.release = 0x0231;
    let found = identify(&probe).unwrap();
    let place = BulkPlace {
        interface: 0,
        alternate: 0,
        out: 0x04,
        input: 0x85,
        max_packet: 64,
        listening: Listening::Ahead,
    };
    assert_eq!(found.ways, [(Protocol::CmsisDapV2, Way::Bulk(place))]);
    assert_eq!((found.in_flight, found.trouble), (None, None));
    probe.release = 0x0201;
    assert_eq!(identify(&probe).unwrap().in_flight, Some(1));
}

#[test]
fn bulk_comes_before_hid_on_the_same_probe() {
    let both =
        vec![hid(0, Some("CMSIS-DAP v1"), &[0x81, 0x01]), bulk(3, 0xFF, Some("CMSIS-DAP v2"), &[0x02, 0x82])];
    assert_eq!(interfaces(&view((0x0D28, 0x0204), "DAPLink CMSIS-DAP", both)), [(3, true), (0, false)]);
}

#[test]
fn the_product_s_name_is_enough_where_no_interface_has_one() {
    let probe = view(STRANGER, "Some CMSIS-DAP", vec![hid(0, None, &[0x81, 0x01])]);
    assert_eq!(interfaces(&probe), [(0, false)]);
    let probe = view(STRANGER, "Some CMSIS-DAP", vec![bulk(1, 0xFF, None, &[0x01, 0x81, 0x82])]);
    assert_eq!(interfaces(&probe), [(1, true)]);
}

#[test]
fn an_underscore_in_the_name_counts_like_a_hyphen() {
    let probe = view((0xC251, 0xF00D), "CMSIS_DAP", vec![hid(3, None, &[0x81, 0x01])]);
    assert_eq!(interfaces(&probe), [(3, false)]);
}

#[test]
fn of_several_hid_interfaces_the_named_one_counts_and_else_the_first() {
    let all = |name| vec![hid(0, None, &[0x81, 0x01]), hid(4, name, &[0x84, 0x04])];
    assert_eq!(
        interfaces(&view((0x1FC9, 0x0143), "MCU-LINK", all(Some("MCU-Link CMSIS-DAP")))),
        [(4, false)]
    );
    assert_eq!(interfaces(&view((0x1FC9, 0x0143), "MCU-LINK", all(None))), [(0, false)]);
}

#[test]
fn the_order_of_the_endpoints_decides_what_is_bulk_cmsis_dap() {
    for addresses in [&[0x81, 0x01][..], &[0x01], &[], &[0x01, 0x02]] {
        let probe = view(STRANGER, "CMSIS-DAP", vec![bulk(0, 0xFF, None, addresses)]);
        assert_eq!(interfaces(&probe), [], "{addresses:02x?}");
        assert!(matches!(identify(&probe).unwrap().trouble, Some(Trouble::Firmware(_))));
    }
}

#[test]
fn a_serial_port_called_cmsis_dap_is_not_taken_for_the_probe() {
    let wch =
        vec![bulk(0, 0x0A, Some("WCH CMSIS-DAP UART"), &[0x02, 0x82]), hid(1, Some("WCH"), &[0x81, 0x01])];
    assert_eq!(interfaces(&view((0x1A86, 0x8011), "WCH-Link", wch)), [(1, false)]);
}

#[test]
fn class_0_counts_only_where_it_is_known_or_named() {
    let interface = |name| vec![bulk(0, 0x00, name, &[0x01, 0x81])];
    assert_eq!(interfaces(&view((0x04B4, 0xF155), "KitProg3", interface(None))), [(0, true)]);
    assert_eq!(interfaces(&view(STRANGER, "CMSIS-DAP", interface(Some("CMSIS-DAP")))), [(0, true)]);
    assert_eq!(interfaces(&view(STRANGER, "CMSIS-DAP", interface(None))), []);
}

#[test]
fn a_hid_probe_without_an_out_endpoint_sends_over_endpoint_0() {
    let probe = view(STRANGER, "CMSIS-DAP", vec![hid(0, None, &[0x81])]);
    assert_eq!(
        ways(&probe),
        [Way::Hid(HidPlace { interface: 0, out: 0, input: 0x81, max_packet: 64, named: false })]
    );
}

#[test]
fn a_j_link_in_cmsis_dap_mode_is_a_cmsis_dap_probe_and_else_is_foreign() {
    let dap = view((SEGGER, 0x1024), "J-Link", vec![bulk(0, 0xFF, Some("CMSIS-DAP v2"), &[0x01, 0x81])]);
    assert_eq!(identify(&dap).unwrap().protocol, Protocol::CmsisDapV2);
    let other = view((SEGGER, 0x0105), "J-Link", vec![bulk(0, 0xFF, Some("BULK interface"), &[0x01, 0x81])]);
    let found = identify(&other).unwrap();
    assert_eq!(found.protocol, Protocol::Foreign);
    assert!(found.trouble.unwrap().to_string().contains("J-Link"));
}

#[test]
fn an_st_link_is_known_by_its_number_and_its_raw_serial_number_is_made_readable() {
    let mut v2 = view((0x0483, 0x3748), "STM32 STLink", vec![bulk(0, 0xFF, None, &[0x81, 0x02, 0x83])]);
    v2.serial = Some("\u{51}\u{ff}\u{6c}\u{6}\u{50}\u{49}\u{52}\u{55}\u{28}\u{15}\u{54}\u{18}".to_owned());
    let found = identify(&v2).unwrap();
    assert_eq!(found.protocol, Protocol::StLink(Family::V2));
    assert_eq!(found.serial.as_deref(), Some("51FF6C065049525528155418"));
    v2.serial = Some("\u{51}\u{ff}\u{6c}\u{6}\u{50}\u{49}".to_owned());
    assert_eq!(identify(&v2).unwrap().serial.as_deref(), Some("51FF6C065049"), "cut at a byte of zero");
    let [(_, Way::Bulk(place))] = found.ways[..] else { panic!("one bulk way") };
    assert_eq!((place.interface, place.out, place.input, place.max_packet), (0, 0x02, 0x81, 64));
    assert_eq!(place.listening, Listening::OnDemand);
}

#[test]
fn a_loader_and_a_v1_are_shown_with_their_reason() {
    let trouble = |pid| identify(&view((0x0483, pid), "ST", vec![])).unwrap().trouble;
    assert_eq!(trouble(0x374D), Some(Trouble::Loader));
    assert!(matches!(trouble(0x3744), Some(Trouble::Firmware(_))));
    assert_eq!(trouble(0x374E), None);
}

#[test]
fn what_is_no_probe_is_not_shown() {
    assert_eq!(identify(&view((0x0483, 0xDF11), "STM32 BOOTLOADER", vec![])), None);
    assert_eq!(identify(&view(STRANGER, "Keyboard", vec![hid(0, None, &[0x81])])), None);
}
