//! Named scenarios: one for each cause that is suspected of letting a write time out, numbered as the notes H5-TIMEOUT-1 to
//! H5-TIMEOUT-16, and some that are none of them. `cause-02+05` is two of them at once.
//!
//! They are settings like any others: a name stands for its text, and what is typed behind the name wins.

/// What all of them have in common: an STM32H562 whose keys are to be written.
const BOARD: &str = "product=provisioning";

/// Number and settings.
const CAUSES: [(u8, &str); 16] = [
    (1, "rom.usb=starved"),
    (2, "rom.usb=halted-owner"),
    (3, "rom.usb=resets,rom.usb.ms=24..30"),
    (4, "obk.again=power-on"),
    (5, "time.slow.ms=1500..6000,time.slow.share=25..50"),
    (6, "rom.usb=half-write,rom.usb.ms=3..12"),
    (7, "rom.usb=relocks,rom.relock.us=60..500"),
    (8, "rom.hdpl=2..3"),
    (9, "rom.usb=shuts-port"),
    (10, "rom.usb=stalls-bus,rom.usb.ms=16..60"),
    (11, "flash.registers=stall,time.obk=110000..190000,time.option=110000..190000"),
    (12, "rom.usb=slow-service,rom.usb.ms=900..4000"),
    (13, "nrst=unwired,obk.again=reset"),
    (14, "rom.usb=fast-clock"),
    // The access comes too early by a little: whoever looks first is late enough.
    (15, "rom.init.ms=50..80"),
    (16, "usb.gap.ms=300..900,usb.gap.share=20..35"),
];

/// Boards on which nothing of this is wrong. On the first and the third all is well: they are controls, on which nothing
/// fails. On the others writes fail by something that the notes do not know.
const NONE: [(u8, &str); 5] = [
    (0, ""),
    (1, "ob.start=stays"),
    (2, "time.option=60000,time.obk=40000"),
    (3, "ob.start=stays,ob.start.share=25..50"),
    // SBS_HDPLSR is answered with a bus error.
    (4, "fault=0x44000414"),
];

/// The settings that a name stands for. `None`: it is no name of a cause.
pub(crate) fn text(name: &str) -> Option<String> {
    let (table, numbers) = match (name.strip_prefix("cause-"), name.strip_prefix("none-")) {
        (Some(numbers), _) => (&CAUSES[..], numbers),
        (_, Some(numbers)) => (&NONE[..], numbers),
        _ => return None,
    };
    let mut settings = vec![BOARD];
    for number in numbers.split('+') {
        let number: u8 = number.parse().ok()?;
        settings.push(table.iter().find(|(own, _)| *own == number)?.1);
    }
    Some(settings.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_go_by_their_numbers_alone_and_together() {
        assert_eq!(text("cause-01").as_deref(), Some("product=provisioning,rom.usb=starved"));
        assert_eq!(text("cause-1"), text("cause-01"));
        assert_eq!(
            text("cause-02+13").as_deref(),
            Some("product=provisioning,rom.usb=halted-owner,nrst=unwired,obk.again=reset")
        );
        for wrong in ["cause-17", "cause-00", "cause-", "cause-1+", "none-9", "h562"] {
            assert_eq!(text(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn every_named_scenario_can_be_read_and_differs_from_the_others() {
        let names = (1..=16).map(|n| format!("cause-{n:02}")).chain((0..5).map(|n| format!("none-{n:02}")));
        let settings: Vec<_> = names
            .map(|name| {
                let scenario =
                    crate::scenario::Scenario::parse(&name).unwrap_or_else(|e| panic!("{name}: {e}"));
                (scenario.knobs, scenario.probe)
            })
            .collect();
        for (index, one) in settings.iter().enumerate() {
            assert!(settings.iter().skip(index + 1).all(|other| one != other), "number {index}");
        }
    }
}
