//! One lock of the flash interface and its two keys. [H5-FLASH-2]

/// State of a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Lock {
    /// Locked, as after a reset.
    #[default]
    Locked,
    /// The first key was right.
    Half,
    /// Open.
    Open,
    /// Open, and the first key came again.
    OpenHalf,
    /// A wrong key, or both keys again on an open lock: locked until the next reset.
    Shut,
}

impl Lock {
    /// A word written to the key register. Whether a lock is shut for good is not certain: `again` says that it is not.
    pub(crate) fn key(&mut self, keys: [u32; 2], word: u32, again: bool) {
        *self = match *self {
            Lock::Locked if word == keys[0] => Lock::Half,
            Lock::Half if word == keys[1] => Lock::Open,
            Lock::Open if word == keys[0] => Lock::OpenHalf,
            _ if again => Lock::Locked,
            _ => Lock::Shut,
        };
    }

    /// Whether the lock bit reads 1.
    pub(crate) fn is_locked(self) -> bool {
        !matches!(self, Lock::Open | Lock::OpenHalf)
    }

    /// The lock bit is written with 1.
    pub(crate) fn lock(&mut self) {
        if !self.is_locked() {
            *self = Lock::Locked;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [u32; 2] = [11, 22];

    fn after(words: &[u32]) -> Lock {
        let mut lock = Lock::default();
        for word in words {
            lock.key(KEYS, *word, false);
        }
        lock
    }

    #[test]
    fn both_keys_in_order_open_a_lock() {
        assert!(after(&[11]).is_locked());
        assert!(!after(&[11, 22]).is_locked());
    }

    #[test]
    fn a_wrong_key_shuts_a_lock_for_good() {
        for wrong in [&[22][..], &[11, 11], &[11, 23], &[0]] {
            let mut lock = after(wrong);
            lock.key(KEYS, 11, false);
            lock.key(KEYS, 22, false);
            assert_eq!(lock, Lock::Shut, "{wrong:?}");
        }
    }

    #[test]
    fn both_keys_again_on_an_open_lock_shut_it_for_good() {
        let mut lock = after(&[11, 22, 11, 22]);
        assert!(lock.is_locked());
        lock.key(KEYS, 11, false);
        lock.key(KEYS, 22, false);
        assert!(lock.is_locked());
    }

    #[test]
    fn a_forgiving_lock_takes_its_keys_again() {
        let mut lock = after(&[11, 22]);
        for word in [11, 22, 11, 22] {
            lock.key(KEYS, word, true);
        }
        assert!(!lock.is_locked());
    }

    #[test]
    fn a_lock_that_was_closed_by_its_bit_can_be_opened_again() {
        let mut lock = after(&[11, 22]);
        lock.lock();
        assert!(lock.is_locked());
        lock.key(KEYS, 11, false);
        lock.key(KEYS, 22, false);
        assert!(!lock.is_locked());
    }
}
