//! Events: what a trace consists of, level by level.

use crate::action::Action;
use crate::decode::{Command, StLinkCommand};
use crate::read::Transfer;
use crate::target::Names;
use std::time::Duration;
use wire::{Access, Ack, ApSel, Certainty, Level, Port, WireEvent};

/// One thing that happened, at one level.
#[derive(Debug, Clone)]
pub struct Event {
    /// The level.
    pub level: Level,
    /// When it began. Transactions of one packet share the times of the packet.
    pub at: Duration,
    /// When it was over.
    pub until: Duration,
    /// How sure it is.
    pub certainty: Certainty,
    /// Index, in the list of the next lower level, of the first event that this one is derived from. For levels 3 and 4 it
    /// counts transactions, and where the probe hides those, commands.
    pub cause: Option<usize>,
    /// Place in the recording, to sort marks in.
    pub order: u64,
    /// What.
    pub body: Body,
}

// There are millions of them, and one of this size is moved without a call.
const _: () = assert!(size_of::<Event>() <= 128);

/// What happened.
#[derive(Debug, Clone)]
pub enum Body {
    /// Level 0.
    Transfer(Box<Transfer>),
    /// Level 1: a CMSIS-DAP command.
    Command(Box<Command>),
    /// Level 1: an ST-Link command.
    StLink(Box<StLinkCommand>),
    /// Level 2.
    Wire(Wired),
    /// Levels 3 and 4: a memory access.
    Access(Accessed),
    /// Levels 3 and 4: a register of the DP or of an AP.
    Register(RegisterAccess),
    /// Levels 3 to 5: line reset, switch sequence, reset pin, idle.
    Line(WireEvent),
    /// Levels 3 to 5: what the probe did on its own account.
    ByProbe(ByProbe),
    /// Levels 1 and 3 to 5: the recorder lost so many USB records here at least.
    Gap(u64),
    /// Level 5.
    Action(Box<Action>),
}

/// Something on the wire (level 2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wired {
    /// What.
    pub what: OnWire,
    /// The data must not be shown.
    pub secret: bool,
    /// The probe's firmware adds it of its own accord; the host did not list it.
    pub implied: bool,
    /// What the host wanted to write, where the transaction was refused before its data phase.
    pub refused: Option<u32>,
    /// It was repeated inside the probe until the masked data matched; the data are not known.
    pub matching: Option<Match>,
}

/// What is on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnWire {
    /// A transaction, or something that [`WireEvent`] has a word for.
    Event(WireEvent),
    /// Clocks with these bits, least significant first, that no specification names.
    Bits {
        /// How many.
        count: usize,
        /// The bits, packed.
        data: Vec<u8>,
    },
    /// A command reached the probe and no answer came back: what it did on the wire is not known, nor what SELECT, CSW and
    /// TAR hold now.
    Lost,
    /// The recorder lost so many USB records here at least: what they did is not known.
    Gap(u64),
    /// Clocks in a logic capture that are no packet and no sequence: part of one, or disturbed.
    Unreadable(Box<Unreadable>),
}

/// Clocks that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Why.
    pub why: Why,
    /// Where it begins: the number of the sample, or in captures of changes the time stamp in the capture's own unit.
    pub tick: u64,
    /// How many clocks.
    pub count: usize,
    /// What SWDIO was, packed, least significant bit first.
    pub data: Vec<u8>,
}

/// Why clocks could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// No packet and no sequence is like this.
    NoPacket,
    /// The capture begins here, as it seems in the middle of something.
    Began,
    /// The capture ends within a packet.
    Cut,
    /// The port was switched away from SWD.
    NotSwd,
    /// The data of a write that was refused have the wrong parity: clocks of it were lost, doubled or disturbed.
    Parity,
}

impl Why {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Why::NoPacket => "no packet is like this",
            Why::Began => "the capture begins in the middle of something",
            Why::Cut => "the capture ends within a packet",
            Why::NotSwd => "the port was switched away from SWD",
            Why::Parity => "the data of a refused write have the wrong parity",
        }
    }
}

impl Wired {
    /// Just this, with nothing to add.
    pub(crate) fn plain(what: OnWire) -> Wired {
        Wired { what, secret: false, implied: false, refused: None, matching: None }
    }
}

/// A value match inside the probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Match {
    /// The bits that were compared; `None` when the command that set the mask was not recorded.
    pub mask: Option<u32>,
    /// What they were to be.
    pub value: u32,
    /// Whether they became so.
    pub reached: bool,
}

/// Why an access that could be named in full was not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Missing {
    /// SELECT was not seen: it is not known which access port and bank.
    Select,
    /// CSW was not seen: it is not known how wide.
    Csw,
    /// TAR was not seen or is no longer known: it is not known where.
    Tar,
}

impl Missing {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Missing::Select => "SELECT not seen",
            Missing::Csw => "CSW not seen",
            Missing::Tar => "TAR not known",
        }
    }
}

/// How often, and what it read before the last time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeats {
    /// How often the same was done in a row.
    pub same: u32,
    /// What the first of them read or wrote. Its last is the value of the access.
    pub first: Option<u32>,
    /// Transactions of it that were answered WAIT. A CMSIS-DAP probe hides those that it repeated itself.
    pub waits: u32,
}

/// A memory access, or a run of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accessed {
    /// The access; of a run the first.
    pub access: Access,
    /// How many consecutive addresses, 1 for a single access.
    pub run: u32,
    /// How often.
    pub repeats: Repeats,
    /// How it ended.
    pub ack: Ack,
    /// The value must not be shown.
    pub secret: bool,
    /// A wait inside the probe.
    pub matching: Option<Match>,
    /// Whose register the address is.
    pub names: Names,
}

impl Accessed {
    /// Bytes moved.
    pub fn bytes(&self) -> u64 {
        u64::from(self.run) * u64::from(self.access.width.bytes()) * u64::from(self.repeats.same)
    }
}

/// An access to a register of the DP or of an AP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegisterAccess {
    /// Debug port or access port.
    pub port: Port,
    /// Which access port; `None` for the DP, and when SELECT is not known.
    pub ap: Option<ApSel>,
    /// Bank that SELECT chose; `None` when it is not known. In ADIv6, where an access port has 4 KiB, the registers that ADIv5
    /// has too are in its banks 0 to 15, and [`long_offset`](RegisterAccess::long_offset) tells where the others
    /// are.
    pub bank: Option<u8>,
    /// Bits 3:2 of the address, in place.
    pub a: u8,
    /// `true` for a write.
    pub write: bool,
    /// What was read or written.
    pub value: Option<u32>,
    /// How often.
    pub repeats: Repeats,
    /// How it ended.
    pub ack: Ack,
    /// The value must not be shown.
    pub secret: bool,
    /// It only serves the memory accesses around it (SELECT, CSW, TAR, RDBUFF).
    pub housekeeping: bool,
    /// It wrote what the register held already: SELECT, CSW or TAR.
    pub redundant: bool,
    /// Why it is not shown as the memory access that it probably is.
    pub missing: Option<Missing>,
    /// A wait inside the probe.
    pub matching: Option<Match>,
}

impl RegisterAccess {
    /// The bank of a register of the debug port. Until SELECT is written, tools rely on bank 0.
    pub(crate) fn dp_bank(&self) -> u8 {
        /// No bank that any register is in.
        const UNKNOWN: u8 = 0xF;
        self.bank.unwrap_or(if self.missing == Some(Missing::Select) { UNKNOWN } else { 0 })
    }

    /// The offset of an access port's register by the numbers of ADIv5, if it is one that ADIv5 has.
    pub fn offset(&self) -> Option<u8> {
        let bank = self.bank.filter(|bank| self.port == Port::Ap && *bank <= 0xF)?;
        Some(bank << 4 | self.a & 0xC)
    }

    /// The offset of an access port's register by the numbers of ADIv6, where those that ADIv5 has come last.
    pub(crate) fn adiv6_offset(&self) -> Option<u16> {
        let of_adiv5 = || Some(u16::from(ADIV6_BANKS) << 4 | u16::from(self.offset()?));
        of_adiv5().or_else(|| self.long_offset())
    }

    /// The offset of an access port's register that only ADIv6 has.
    pub fn long_offset(&self) -> Option<u16> {
        let bank = self.bank.filter(|bank| self.port == Port::Ap && *bank > 0xF)?;
        let block = if bank < ADIV6_BANKS + 0x10 { bank - 0x10 } else { bank };
        Some(u16::from(block) << 4 | u16::from(self.a & 0xC))
    }
}

/// Where ADIv6 has the sixteen banks of ADIv5, in blocks of 16 bytes. [ADI-15]
const ADIV6_BANKS: u8 = 0xD0;

/// The bank that stands for a block of 16 bytes of an access port of ADIv6: each has its own.
pub(crate) const fn bank_of_block(block: u8) -> u8 {
    match block {
        0..ADIV6_BANKS => block + 0x10,
        ADIV6_BANKS..=0xDF => block - ADIV6_BANKS,
        0xE0.. => block,
    }
}

/// What a probe did on its own account: it was asked for a whole procedure and does not show the steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByProbe {
    /// What kind of procedure.
    pub what: Procedure,
    /// For a reader.
    pub text: String,
}

/// Procedures that a probe has of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Procedure {
    /// Line reset, switch sequence, DPIDR, power-up.
    Connect,
    /// Leaving debug mode.
    Disconnect,
    /// Taking an access port into use, or letting it go.
    OpenAp,
    /// An access of which nobody knows what became of it, or which the probe itself refused.
    Access,
}
