//! Memory commands and lists, with their status.

use super::StLink;
use super::talk::nonsense;
use ::stlink::misc::{encode_list, list_len, results_len};
use ::stlink::{Answer, Command, Feature, Memory, MemoryOp, MiscItem, MiscOp, MiscResult, Status};
use bytes::Bytes;
use wire::{Addr, LinkError, Pipe, Secret, Width};

/// Auto-increment of TAR is certain inside such a block only. [ADI-7]
const TAR_BLOCK: u32 = regs::ap::TAR_WRAP_BYTES;

/// How accesses reach the bus.
#[derive(Debug, Clone, Copy)]
pub(super) struct Route {
    pub(super) ap: u8,
    /// 0: as the firmware likes.
    pub(super) csw: u32,
    /// Values must not be recorded.
    pub(super) secret: bool,
}

/// How a memory command went.
#[derive(Debug, Clone, Copy)]
pub(super) struct Went {
    pub(super) status: Status,
    /// Where it failed, if the firmware says so.
    pub(super) fault: Option<Addr>,
}

impl<P: Pipe> StLink<P> {
    /// How many bytes of `left`, from `at` on, one command may move. [STL-6]
    pub(super) fn reach(&self, op: MemoryOp, at: Addr, left: usize) -> u16 {
        let most = match op.width {
            Width::Byte => self.info.version.most_bytes(),
            Width::Word if op.write => Memory::MOST_WRITE,
            Width::Half | Width::Word => Memory::MOST,
        };
        let most = most.min(self.most_in_time(op.width));
        let to_block_end = u16::try_from(TAR_BLOCK - at.0 % TAR_BLOCK).unwrap_or(most);
        let most = if self.has(Feature::CswArgument) { most } else { most.min(to_block_end) };
        u16::try_from(left).unwrap_or(most).min(most)
    }

    /// The longest block in bytes, one element at least. A probe takes bytes no faster than it gets rid of them and gives
    /// none before it has them, so only what the wire carries in half the patience with USB goes in one; the target may need
    /// the other half. [STL-26]
    fn most_in_time(&self, width: Width) -> u16 {
        let element = u128::from(self.swclk.nanos(regs::dp::CLOCKS_OK));
        let elements = (self.talk.patience().as_nanos() / 2 / element).max(1);
        u16::try_from(elements * u128::from(width.bytes())).unwrap_or(Memory::MOST_WRITE)
    }

    /// Reads a block. What comes with a status that is not OK may be anything.
    pub(super) fn read_block(
        &mut self,
        width: Width,
        at: Addr,
        len: u16,
        route: Route,
    ) -> Result<(Bytes, Went), LinkError> {
        let memory = self.memory(MemoryOp::read(width), at, len, route)?;
        let mut data = self.talk.take(&Command::Memory(memory), memory.answer_len(), route.secret)?;
        let went = self.went()?;
        data.truncate(usize::from(len));
        if went.status == Status::OK && data.len() < usize::from(len) {
            return Err(LinkError::Protocol(format!("{}: {} of {len} bytes", memory.op.name(), data.len())));
        }
        Ok((data, went))
    }

    /// Writes a block. It is sent once, whatever comes of it.
    pub(super) fn write_block(
        &mut self,
        width: Width,
        at: Addr,
        data: Bytes,
        route: Route,
    ) -> Result<Went, LinkError> {
        let len = u16::try_from(data.len()).unwrap_or(u16::MAX);
        let memory = self.memory(MemoryOp::write(width), at, len, route)?;
        self.talk.give(&Command::Memory(memory), data, route.secret)?;
        self.went()
    }

    fn memory(&self, op: MemoryOp, at: Addr, len: u16, route: Route) -> Result<Memory, LinkError> {
        if op.width == Width::Half {
            self.need(Feature::Mem16)?;
        }
        Ok(Memory { op, at, len, ap: route.ap, csw: route.csw })
    }

    /// The status of the memory command just sent. [STL-6] [STL-14]
    fn went(&mut self) -> Result<Went, LinkError> {
        let command = if self.has(Feature::LastRwStatus2) {
            Command::GetLastRwStatus2
        } else {
            Command::GetLastRwStatus
        };
        let went = match self.talk.ask(&command)? {
            Answer::RwStatus(rw) => Went { status: rw.status, fault: Some(rw.fault) },
            Answer::Status(status) => Went { status, fault: None },
            _ => return Err(nonsense(command.name())),
        };
        self.heed(went.status);
        Ok(went)
    }

    /// Reads words at these addresses by one list. [STL-9]
    pub(super) fn read_list(&mut self, at: &[(Addr, bool)], ap: u8) -> Result<Vec<MiscResult>, LinkError> {
        let port = MiscItem { op: MiscOp::APNUM, word: u32::from(ap) };
        let reads = at.iter().map(|(at, _)| MiscItem { op: MiscOp::READ, word: at.0 });
        let items: Vec<_> = std::iter::once(port).chain(reads).collect();
        let count = u32::try_from(items.len()).unwrap_or(u32::MAX);
        let list = encode_list(&items);
        debug_assert_eq!(list.len(), list_len(items.len()));
        self.talk.give(&Command::RwMiscOut { items: count }, list, false)?;
        let mut hidden = Secret::NONE;
        for (index, _) in at.iter().enumerate().filter(|(_, (_, secret))| *secret) {
            // Behind the value of the port's item.
            hidden.add(4 * (index + 1)..4 * (index + 2));
        }
        let bytes = self.talk.take_hiding(&Command::RwMiscIn, results_len(items.len()), hidden)?;
        let decoded = Answer::decode(&Command::RwMiscIn, &bytes).map(|decoded| decoded.value);
        let Ok(Answer::Results(mut results)) = decoded else { return Err(nonsense("RW_MISC_IN")) };
        if results.len() != items.len() {
            return Err(LinkError::Protocol(format!("{} results for {} items", results.len(), items.len())));
        }
        Ok(results.split_off(1))
    }
}
