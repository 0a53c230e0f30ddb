//! The MEM-AP behind the debug port.

use super::bench::Host;
use crate::bus::Request;
use regs::ap::{self, csw};
use regs::dp::ctrl_stat;
use wire::Width;

const WORD: u32 = 0x4300_0002;

#[test]
fn identification_registers_are_the_chips() {
    let mut host = Host::attached();
    assert_eq!(host.fetch_ap(1, ap::IDR), 0x8477_0001);
    assert_eq!(host.fetch_ap(1, ap::BASE), 0xE00F_E003);
    assert_eq!(host.fetch_ap(1, ap::CFG), 0);
}

#[test]
fn an_access_port_that_does_not_exist_reads_zero_and_ignores_writes() {
    let mut host = Host::attached();
    assert_eq!(host.fetch_ap(3, ap::IDR), 0);
    host.store_ap(3, ap::DRW, 5);
    assert_eq!(host.fetch_ap(3, ap::DRW), 0);
    assert_eq!(host.ctrl_stat() & ctrl_stat::STICKY, 0);
    assert!(host.target.chip.log.is_empty());
}

#[test]
fn a_shut_access_port_identifies_itself_and_refuses_memory() {
    let mut host = Host::attached();
    assert_eq!(host.fetch_ap(2, ap::IDR), 0x8477_0001);
    assert_eq!(host.fetch_ap(2, ap::CSW) & csw::DEVICE_EN, 0);
    host.store_ap(2, ap::DRW, 5);
    assert_eq!(host.ctrl_stat() & ctrl_stat::STICKY, ctrl_stat::STICKYERR);
    assert!(host.target.chip.log.is_empty());
}

#[test]
fn csw_shows_read_only_bits_of_the_chip_whatever_was_written() {
    let mut host = Host::attached();
    assert_eq!(host.fetch_ap(1, ap::CSW), WORD | csw::DEVICE_EN | csw::SPIDEN);
    host.store_ap(1, ap::CSW, 0x2300_0012);
    assert_eq!(host.fetch_ap(1, ap::CSW), 0x2300_0012 | csw::DEVICE_EN | csw::SPIDEN);
    host.store_ap(1, ap::CSW, 0xFFFF_FFFF);
    assert_eq!(host.fetch_ap(1, ap::CSW) & csw::SIZE, csw::SIZE_32, "a size that does not exist");
}

#[test]
fn a_port_on_an_apb_has_words_only_and_says_so() {
    let mut host = Host::attached();
    host.store_ap(0, ap::CSW, (WORD & !csw::SIZE) | csw::SIZE_8 | csw::ADDR_INC_SINGLE);
    assert_eq!(host.fetch_ap(0, ap::CSW) & (csw::SIZE | csw::ADDR_INC), csw::SIZE_32 | csw::ADDR_INC_SINGLE);
    host.target.chip.words.extend([(0x100, 0x4433_2211), (0x104, 0x8877_6655)]);
    host.store_ap(0, ap::TAR, 0x100);
    assert_eq!([host.fetch_ap(0, ap::DRW), host.fetch_ap(0, ap::DRW)], [0x4433_2211, 0x8877_6655]);
}

#[test]
fn each_access_port_keeps_its_own_registers() {
    let mut host = Host::attached();
    host.store_ap(0, ap::TAR, 0x100);
    host.store_ap(1, ap::TAR, 0x200);
    assert_eq!(host.fetch_ap(0, ap::TAR), 0x100);
    assert_eq!(host.fetch_ap(1, ap::TAR), 0x200);
}

#[test]
fn single_increment_moves_tar_and_wraps_at_1_kib() {
    let mut host = Host::attached();
    host.store_ap(1, ap::CSW, WORD | csw::ADDR_INC_SINGLE);
    host.store_ap(1, ap::TAR, 0x0000_07F8);
    host.select(1, ap::DRW);
    for word in 1..=3 {
        assert_eq!(host.write_ap(ap::DRW, word), 1);
    }
    let ats: Vec<u32> = host.target.chip.log.iter().map(|(request, _)| request.at).collect();
    assert_eq!(ats, [0x7F8, 0x7FC, 0x400]);
    assert_eq!(host.fetch_ap(1, ap::TAR), 0x404);
}

#[test]
fn narrow_data_travels_in_the_byte_lane_of_its_address() {
    let mut host = Host::attached();
    host.store_ap(1, ap::CSW, (WORD & !csw::SIZE) | csw::SIZE_8);
    host.store_ap(1, ap::TAR, 0x103);
    host.store_ap(1, ap::DRW, 0xAB00_0000);
    assert_eq!(host.fetch_ap(1, ap::DRW), 0xAB00_0000);
    let (request, _) = host.target.chip.log[0];
    assert_eq!((request.at, request.width, request.write), (0x103, Width::Byte, Some(0xAB)));
    host.store_ap(1, ap::CSW, (WORD & !csw::SIZE) | csw::SIZE_16);
    host.store_ap(1, ap::TAR, 0x102);
    assert_eq!(host.fetch_ap(1, ap::DRW), 0xAB00_0000);
}

#[test]
fn packed_transfers_fill_a_word() {
    let mut host = Host::attached();
    host.store_ap(1, ap::CSW, (WORD & !csw::SIZE) | csw::SIZE_8 | csw::ADDR_INC_PACKED);
    host.store_ap(1, ap::TAR, 0x100);
    host.store_ap(1, ap::DRW, 0x4433_2211);
    assert_eq!(host.target.chip.log.len(), 4);
    assert_eq!(host.target.chip.words[&0x100], 0x4433_2211);
    assert_eq!(host.fetch_ap(1, ap::TAR), 0x104);
    host.store_ap(1, ap::TAR, 0x100);
    assert_eq!(host.fetch_ap(1, ap::DRW), 0x4433_2211);
}

#[test]
fn banked_data_registers_reach_four_words_without_moving_tar() {
    let mut host = Host::attached();
    host.store_ap(1, ap::TAR, 0x104);
    for (n, offset) in [ap::BD0, ap::BD1, ap::BD2, ap::BD3].into_iter().enumerate() {
        host.store_ap(1, offset, 70 + n as u32);
    }
    assert_eq!(host.target.chip.words.values().copied().collect::<Vec<_>>(), [70, 71, 72, 73]);
    assert_eq!(host.fetch_ap(1, ap::BD2), 72);
    assert_eq!(host.fetch_ap(1, ap::TAR), 0x104);
}

#[test]
fn a_failed_access_does_not_move_tar() {
    let mut host = Host::attached();
    host.store_ap(1, ap::CSW, WORD | csw::ADDR_INC_SINGLE);
    host.fail_once();
    host.write_dp(regs::dp::ABORT, regs::dp::abort::STKERRCLR);
    assert_eq!(host.fetch_ap(1, ap::TAR), 0x00F0_0000);
}

#[test]
fn an_access_is_secure_when_hnonsec_is_clear_and_the_port_may() {
    let secure = |ap: u8, settings: u32| {
        let mut host = Host::attached();
        host.store_ap(ap, ap::CSW, settings);
        host.store_ap(ap, ap::DRW, 1);
        let (Request { secure, .. }, _) = host.target.chip.log[0];
        secure
    };
    assert!(secure(1, WORD & !csw::HNONSEC));
    assert!(!secure(1, WORD | csw::HNONSEC));
    assert!(!secure(0, WORD & !csw::HNONSEC));
}

#[test]
fn a_scripted_fault_at_an_address_is_a_bus_error_there_only() {
    let mut host = Host::new(crate::swd::Faults { fault_at: Some(0x40), ..Default::default() });
    host.attach();
    host.store_ap(1, ap::TAR, 0x44);
    host.store_ap(1, ap::DRW, 1);
    assert_eq!(host.ctrl_stat() & ctrl_stat::STICKYERR, 0);
    host.store_ap(1, ap::TAR, 0x40);
    host.store_ap(1, ap::DRW, 1);
    assert_eq!(host.ctrl_stat() & ctrl_stat::STICKYERR, ctrl_stat::STICKYERR);
}
