//! What a person says about a recording that does not say it itself.

use crate::READING;
use clap::ValueEnum;
use trace::{Assume, Names, Options};

/// What is not in the recording.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Reading {
    /// Whose names hold: auto, stm32h5, none
    ///
    /// The chip, whose register names and actions then hold: by what the recording shows (auto: DBGMCU_IDCODE, TARGETID, the
    /// name of the board, DPIDR with CPUID and the access ports), or as told. With none DP, AP and the registers that every
    /// Cortex-M has are named.
    #[arg(long, value_name = "CHIP", value_enum, default_value_t = Chip::Auto, hide_possible_values = true, help_heading = READING)]
    target: Chip,
    /// What holds before SELECT and CSW are written
    ///
    /// auto (bank 0 and words, where the beginning fits them), none, or what SELECT holds: ap=N,bank=N. What rests on it is
    /// marked [assumed].
    #[arg(long, value_name = "WHAT", default_value = "auto", value_parser = assume, hide_short_help = true, help_heading = READING)]
    assume: Assume,
    /// Show the values of secrets too
    ///
    /// Where the recording holds them in clear: what goes to OBK storage, to its provisioning service or in an answer to the
    /// debug authentication, and what the recorder marked.
    #[arg(long, help_heading = READING)]
    show_secrets: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Chip {
    /// By what the recording shows.
    Auto,
    /// An STM32H5.
    Stm32h5,
    /// Any: only DP, AP and the registers that every Cortex-M has are named.
    None,
}

impl Reading {
    pub(crate) fn options(&self) -> Options {
        let names = match self.target {
            Chip::Auto => None,
            Chip::Stm32h5 => Some(Names::Stm32H5),
            Chip::None => Some(Names::CortexM),
        };
        let Reading { assume, show_secrets, .. } = *self;
        Options { names, assume, show_secrets, ..Options::default() }
    }
}

/// Reads `auto`, `none` or `ap=1,bank=0`; what is left out is 0.
fn assume(text: &str) -> Result<Assume, String> {
    match text {
        "auto" => return Ok(Assume::Usual),
        "none" => return Ok(Assume::Nothing),
        _ => {}
    }
    let wrong = || format!("`{text}` is not auto, none or ap=N,bank=N");
    let (mut ap, mut bank) = (0, 0);
    for part in text.split(',') {
        let (key, value) = part.split_once('=').ok_or_else(wrong)?;
        let value: u8 = value.trim().parse().map_err(|_| wrong())?;
        match key.trim() {
            "ap" => ap = value,
            "bank" if value <= 0xF => bank = value,
            _ => return Err(wrong()),
        }
    }
    Ok(Assume::Selected { ap, bank })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_assumed_is_a_word_or_an_access_port_and_a_bank() {
        assert_eq!(assume("auto"), Ok(Assume::Usual));
        assert_eq!(assume("none"), Ok(Assume::Nothing));
        assert_eq!(assume("ap=1,bank=15"), Ok(Assume::Selected { ap: 1, bank: 15 }));
        assert_eq!(assume("ap=1"), Ok(Assume::Selected { ap: 1, bank: 0 }));
        for wrong in ["", "ap", "bank=16", "ap=256", "csw=1", "ap=1;bank=0"] {
            assert!(assume(wrong).is_err(), "{wrong}");
        }
    }
}
