//! Behaviour of the board.

use super::*;
use regs::h5::flash::{self as f, cr, key};
use regs::h5::memory::FLASH;
use wire::Width;

fn write(board: &mut Board, at: u32, value: u32) {
    let now = board.chip.now + 1000;
    let request = Request { ap: 1, at, width: Width::Word, write: Some(value), secure: false };
    assert!(matches!(board.access(&request, now), Outcome::Done { .. }));
}

fn read(board: &mut Board, at: u32) -> Option<u32> {
    let now = board.chip.now + 1000;
    let request = Request { ap: 1, at, width: Width::Word, write: None, secure: false };
    match board.access(&request, now) {
        Outcome::Done { value, .. } => Some(value),
        _ => None,
    }
}

fn ready(spec: &str) -> Board {
    let mut board = Board::open(&Scenario::parse(spec).unwrap()).unwrap();
    board.advance(Duration::from_nanos(board.chip.now) + Duration::from_millis(100));
    board
}

fn wait(board: &mut Board, time: Duration) {
    board.advance(Duration::from_nanos(board.chip.now) + time);
}

fn program(board: &mut Board, at: u32, word: u32) {
    if read(board, f::BASE + f::NSCR).unwrap() & cr::LOCK != 0 {
        key::FLASH.into_iter().for_each(|key| write(board, f::BASE + f::NSKEYR, key));
    }
    write(board, f::BASE + f::NSCR, cr::PG);
    (0..4).for_each(|i| write(board, at + 4 * i, word));
    wait(board, Duration::from_millis(1));
}

#[test]
fn the_non_volatile_image_goes_there_and_back() {
    let mut board = ready("h562");
    let factory = board.nonvolatile();
    program(&mut board, FLASH + 0x4000, 0x1234_5678);
    let image = board.nonvolatile();
    assert_ne!(image, factory);
    let scenario = Scenario::parse("h562").unwrap();
    let mut again = Board::from_nonvolatile(&scenario, &image).unwrap();
    assert_eq!(again.nonvolatile(), image);
    wait(&mut again, Duration::from_millis(100));
    assert_eq!(read(&mut again, FLASH + 0x4000), Some(0x1234_5678));
    assert_eq!(read(&mut again, f::BASE + f::NSCR), Some(cr::LOCK), "volatile state is not in it");
}

#[test]
fn equal_memories_give_equal_images_whatever_happened_before() {
    let mut board = ready("h562");
    let factory = board.nonvolatile();
    program(&mut board, FLASH, 0);
    write(&mut board, f::BASE + f::NSCR, cr::SER | cr::STRT);
    wait(&mut board, Duration::from_millis(10));
    assert_eq!(board.nonvolatile(), factory);
}

#[test]
fn an_image_of_another_part_or_no_image_is_refused() {
    let image = ready("h563").nonvolatile();
    let scenario = Scenario::parse("h562").unwrap();
    assert!(matches!(Board::from_nonvolatile(&scenario, &image), Err(BoardError::OtherPart { .. })));
    assert!(Board::from_nonvolatile(&Scenario::parse("").unwrap(), &image).is_ok(), "no part named");
    for len in 0..image.len() {
        assert!(
            matches!(Board::from_nonvolatile(&scenario, &image[..len]), Err(BoardError::Image(_))),
            "{len}"
        );
    }
}

#[test]
fn a_board_file_keeps_the_board_powered_between_commands() {
    let folder = tempfile::tempdir().unwrap();
    let spec = format!("h562,state={}", folder.path().join("board.json").display());
    let mut board = ready(&spec);
    program(&mut board, FLASH, 0x0102_0304);
    // Wrong keys: shut until the next reset, so still shut in the next command.
    write(&mut board, f::BASE + f::OPTKEYR, 0);
    write(&mut board, regs::m33::DHCSR, 0xA05F_0003);
    board.save().unwrap();
    drop(board);

    let mut board = Board::open(&Scenario::parse(&spec).unwrap()).unwrap();
    assert_eq!(read(&mut board, FLASH), Some(0x0102_0304), "no ROM time is needed");
    assert_eq!(read(&mut board, f::BASE + f::NSCR), Some(cr::PG), "still unlocked");
    key::OPTION.into_iter().for_each(|key| write(&mut board, f::BASE + f::OPTKEYR, key));
    assert_eq!(read(&mut board, f::BASE + f::OPTCR), Some(1), "still shut");
    let status = read(&mut board, regs::m33::DHCSR).unwrap();
    assert_ne!(status & regs::m33::dhcsr::S_HALT, 0, "still halted");
}

#[test]
fn saving_lets_what_is_under_way_end_and_does_not_disturb_the_running_board() {
    let folder = tempfile::tempdir().unwrap();
    let spec = format!("h562,state={}", folder.path().join("board.json").display());
    let mut board = ready(&spec);
    program(&mut board, FLASH, 0);
    write(&mut board, f::BASE + f::NSCR, cr::SER | cr::STRT);
    board.save().unwrap();
    assert_eq!(read(&mut board, f::BASE + f::NSSR).unwrap() & 1, 1);
    drop(board);
    let mut board = Board::open(&Scenario::parse(&spec).unwrap()).unwrap();
    assert_eq!(read(&mut board, f::BASE + f::NSSR).unwrap() & 1, 0);
    assert_eq!(read(&mut board, FLASH), Some(u32::MAX));
}

#[test]
fn a_board_in_use_is_refused_and_free_again_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let spec = format!("state={}", folder.path().join("board.json").display());
    let scenario = Scenario::parse(&spec).unwrap();
    let board = Board::open(&scenario).unwrap();
    assert!(matches!(Board::open(&scenario), Err(BoardError::InUse { .. })));
    drop(board);
    assert!(Board::open(&scenario).is_ok());
}

#[test]
fn a_damaged_board_file_is_named_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("board.json");
    let scenario = Scenario::parse(&format!("state={}", path.display())).unwrap();
    for text in ["", "{", "{\"format\":\"something else\"}", "[]"] {
        std::fs::write(&path, text).unwrap();
        let error = Board::open(&scenario).unwrap_err();
        assert!(matches!(error, BoardError::Corrupt { .. }), "{error}");
        assert!(error.to_string().contains("board.json"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
}

#[test]
fn a_file_of_another_part_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("board.json");
    Board::open(&Scenario::parse(&format!("h563,state={}", path.display())).unwrap())
        .unwrap()
        .save()
        .unwrap();
    let other = Scenario::parse(&format!("h562,state={}", path.display())).unwrap();
    assert!(matches!(Board::open(&other), Err(BoardError::OtherPart { .. })));
    let unnamed = Scenario::parse(&format!("state={}", path.display())).unwrap();
    assert!(Board::open(&unnamed).is_ok());
}

#[test]
fn a_failed_supply_is_back_in_the_next_command() {
    let folder = tempfile::tempdir().unwrap();
    let spec = format!("h562,state={}", folder.path().join("board.json").display());
    let mut board = ready(&spec);
    let now = board.chip.now;
    board.cut_power(now);
    board.save().unwrap();
    drop(board);
    assert!(Board::open(&Scenario::parse(&spec).unwrap()).unwrap().has_power());
}

#[test]
fn a_cable_powers_a_board_without_supply_and_a_cut_beats_both() {
    let mut board = ready("h562,usb=data");
    let cycles = board.power_cycles();
    board.power(false).unwrap();
    assert!(board.has_power(), "a power cycle that is none");
    assert_eq!(board.power_cycles(), cycles);
    board.cable(Cable::Out).unwrap();
    assert!(!board.has_power());
    board.cable(Cable::ChargeOnly).unwrap();
    assert!(board.has_power());
    assert_eq!(board.power_cycles(), cycles + 1);
    let now = board.chip.now;
    board.cut_power(now);
    assert!(!board.has_power());
    board.power_on();
    assert!(board.has_power());
}

#[test]
fn the_button_holds_reset_for_as_long_as_it_is_pressed() {
    let mut board = ready("h562");
    board.press_reset(Duration::from_millis(50)).unwrap();
    let now = board.chip.now;
    assert!(!board.reset_level(now + 49_000_000));
    assert!(board.reset_level(now + 51_000_000));
}

#[test]
fn boot0_counts_at_the_next_reset() {
    let mut board = ready("h562");
    board.boot0(true).unwrap();
    assert!(board.chip.rom.bootloader_since.is_none());
    board.press_reset(Duration::from_millis(1)).unwrap();
    wait(&mut board, Duration::from_millis(50));
    assert!(board.chip.rom.bootloader_since.is_some());
}

#[test]
fn every_alias_of_a_memory_shows_the_same_byte_and_a_hole_shows_none() {
    let mut board = Board::open(&Scenario::parse("h563").unwrap()).unwrap();
    board.chip.sram.write(0x2000_0010, Width::Word, 0x4433_2211);
    assert_eq!(board.memory(0x2000_0010, 4), Some(vec![0x11, 0x22, 0x33, 0x44]));
    assert_eq!(board.memory(0x3000_0010, 2), Some(vec![0x11, 0x22]));
    assert_eq!(board.memory(0x0A00_0011, 1), Some(vec![0x22]));
    board.chip.flash.nv.array.program(0x20, &[0x5A; 16]);
    assert_eq!(board.memory(0x0800_001F, 2), Some(vec![0xFF, 0x5A]));
    assert_eq!(board.memory(0x0C00_002F, 2), Some(vec![0x5A, 0xFF]));
    assert_eq!(board.memory(0x081F_FFFF, 2), None);
    assert_eq!(board.memory(0xFFFF_FFFF, 2), None);
}
