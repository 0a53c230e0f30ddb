//! DAP_SWD_Sequence.

use super::Firmware;
use crate::bus::Chip;
use cmsis_dap::{Response, Status, SwdSequenceItem};
use wire::SwdItem;

impl<C: Chip> Firmware<C> {
    pub(super) fn swd_sequence(&mut self, items: &[SwdSequenceItem]) -> Response {
        let mut data = Vec::new();
        for item in items {
            match item.item() {
                SwdItem::Out(bits) => self.lines.sequence(&bits),
                SwdItem::In(clocks) => data.extend(self.lines.listen(clocks)),
            }
        }
        Response::SwdSequence { status: Status::OK, data: data.into() }
    }
}
