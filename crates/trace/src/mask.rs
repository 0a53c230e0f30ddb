//! Masks for secrets: equal secrets look equal inside one trace, and nothing else can be learnt. [TRACE-4]

use crate::TraceError;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Replaces secret bytes. Its key is drawn anew for each trace and stored nowhere.
#[derive(Clone)]
pub(crate) struct Masker(Hmac<Sha256>);

impl std::fmt::Debug for Masker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Masker(..)")
    }
}

impl Masker {
    /// A masker with a fresh key.
    pub(crate) fn new() -> Result<Self, TraceError> {
        let mut key = [0u8; 32];
        getrandom::fill(&mut key).map_err(|e| TraceError::Random(e.to_string()))?;
        Hmac::new_from_slice(&key).map(Masker).map_err(|e| TraceError::Random(e.to_string()))
    }

    /// Overwrites `secret` with a mask of the same length.
    pub(crate) fn hide(&self, secret: &mut [u8]) {
        let clear = secret.to_vec();
        for (counter, chunk) in (0u32..).zip(secret.chunks_mut(32)) {
            let mut mac = self.0.clone();
            mac.update(&counter.to_le_bytes());
            mac.update(&clear);
            for (byte, mask) in chunk.iter_mut().zip(mac.finalize().into_bytes()) {
                *byte = mask;
            }
        }
    }
}
