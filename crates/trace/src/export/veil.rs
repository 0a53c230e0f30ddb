//! Secrets that the trace holds in clear leave it as masks. [TRACE-4]

use crate::Secrets;
use crate::event::{OnWire, Wired};
use crate::mask::Masker;
use crate::trace::Trace;
use std::borrow::Cow;
use std::io;
use wire::{Transaction, WireEvent};

/// Lies over what is secret on the wire.
#[derive(Debug)]
pub(super) struct Veil(Option<Masker>);

impl Veil {
    /// For the secrets of this trace. Those that are masks already stay as they are.
    pub(super) fn of(trace: &Trace) -> io::Result<Veil> {
        match trace.secrets() {
            Secrets::Masked => Ok(Veil(None)),
            Secrets::Shown => Masker::new().map(|masker| Veil(Some(masker))).map_err(io::Error::other),
        }
    }

    /// The same with a mask in the place of a secret.
    pub(super) fn over<'a>(&self, wired: &'a Wired) -> Cow<'a, Wired> {
        let Some(masker) = self.0.as_ref().filter(|_| wired.secret) else { return Cow::Borrowed(wired) };
        let mask = |word: u32| {
            let mut bytes = word.to_le_bytes();
            masker.hide(&mut bytes);
            u32::from_le_bytes(bytes)
        };
        let what = match &wired.what {
            OnWire::Event(WireEvent::Transaction(t)) => {
                OnWire::Event(WireEvent::Transaction(Transaction { data: t.data.map(mask), ..*t }))
            }
            other => other.clone(),
        };
        Cow::Owned(Wired { what, refused: wired.refused.map(mask), ..wired.clone() })
    }
}
