//! What a run cost: USB packets, SWCLK cycles, waiting.

use std::fmt;
use std::time::Duration;
use wire::Ack;

/// The bill of a simulated probe since it was opened. SWCLK cycles are counted apart by what they were good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bill {
    /// Packets from the host.
    pub usb_out: u64,
    /// Packets to the host.
    pub usb_in: u64,
    /// Bytes in all of them.
    pub usb_bytes: u64,
    /// Cycles of transactions that were acknowledged OK, with their idle cycles.
    pub swclk_ok: u64,
    /// Cycles of transactions that were answered WAIT or FAULT.
    pub swclk_wait: u64,
    /// Cycles of line sequences (a transaction may be made of one), and of transactions that nobody answered or whose data had the wrong parity.
    pub swclk_other: u64,
    /// Transactions acknowledged OK, with good parity.
    pub ok: u64,
    /// Transactions answered WAIT.
    pub wait: u64,
    /// Transactions answered FAULT.
    pub fault: u64,
    /// Transactions that nobody answered.
    pub no_ack: u64,
    /// Reads acknowledged OK whose data came with the wrong parity.
    pub parity: u64,
    /// How long the flash was busy.
    pub busy: Duration,
    /// Until when the probe worked, on its own clock.
    pub time: Duration,
}

impl Bill {
    /// The number of transactions with this ack.
    pub(crate) fn number(&mut self, ack: Ack) -> &mut u64 {
        match ack {
            Ack::OK => &mut self.ok,
            Ack::WAIT => &mut self.wait,
            Ack::FAULT => &mut self.fault,
            Ack::PARITY => &mut self.parity,
            _ => &mut self.no_ack,
        }
    }

    /// All SWCLK cycles.
    #[must_use]
    pub const fn swclk(&self) -> u64 {
        self.swclk_ok + self.swclk_wait + self.swclk_other
    }

    /// All transactions.
    #[must_use]
    pub const fn transactions(&self) -> u64 {
        self.ok + self.wait + self.fault + self.no_ack + self.parity
    }
}

impl fmt::Display for Bill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Bill { usb_out, usb_in, usb_bytes, swclk_ok, swclk_wait, swclk_other, .. } = self;
        writeln!(f, "USB          {usb_out:>12} packets out, {usb_in} in, {usb_bytes} bytes")?;
        writeln!(f, "SWCLK OK     {swclk_ok:>12} cycles, {} transactions", self.ok)?;
        let (wait, fault) = (self.wait, self.fault);
        writeln!(f, "SWCLK WAIT   {swclk_wait:>12} cycles, {wait} WAIT, {fault} FAULT")?;
        let (silent, parity) = (self.no_ack, self.parity);
        writeln!(f, "SWCLK other  {swclk_other:>12} cycles, {silent} without ack, {parity} parity errors")?;
        writeln!(f, "flash busy   {:>12.3} ms", self.busy.as_secs_f64() * 1e3)?;
        write!(f, "time         {:>12.3} ms", self.time.as_secs_f64() * 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bill_shows_ok_and_wait_clocks_apart() {
        let bill = Bill { swclk_ok: 460, ok: 10, swclk_wait: 26, wait: 2, ..Bill::default() };
        let text = bill.to_string();
        assert!(text.contains("SWCLK OK              460 cycles, 10 transactions"), "{text}");
        assert!(text.contains("SWCLK WAIT             26 cycles, 2 WAIT, 0 FAULT"), "{text}");
        assert_eq!(bill.swclk(), 486);
        assert_eq!(bill.transactions(), 12);
    }
}
