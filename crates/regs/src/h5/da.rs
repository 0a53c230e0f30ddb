//! Debug authentication: mailbox words, packets, types. [H5-DA-1] [H5-DA-2] [H5-DA-4] [H5-DA-5] [H5-DA-8]

/// Word the debugger writes while NRST is low, to ask for a session. A guess for the H5: "STDA". [H5-DA-2]
pub const MAGIC_HOST: u32 = 0x5354_4441;
/// The same word on the STM32N6: "OEDA".
pub const MAGIC_HOST_N6: u32 = 0x4F45_4441;
/// The device's answer: "DAOK".
pub const MAGIC_DEVICE: u32 = 0x4441_4F4B;

/// Words of a packet's head: two 16-bit numbers in the first word, a count of data words in the second.
pub const HEAD_WORDS: u32 = 2;
/// In the first word: lowest bit of the command (request) or the status (response).
pub const CODE_SHIFT: u32 = 16;

/// Commands.
pub mod command {
    /// What is this, what can it do.
    pub const DISCOVERY: u16 = 0x0001;
    /// Give me a challenge.
    pub const AUTH_START: u16 = 0x0002;
    /// Here is the answer.
    pub const AUTH_RESPONSE: u16 = 0x0003;
    /// Close the session.
    pub const CLOSE_SESSION: u16 = 0x0004;
    /// Go on booting.
    pub const RESUME_BOOT: u16 = 0x0005;
    /// Lock debug.
    pub const LOCK_DEBUG: u16 = 0x0006;
    /// Change the life cycle state.
    pub const LCS_CHANGE: u16 = 0x0007;

    /// Names.
    pub const NAMES: &[(u32, &str)] = &[
        (DISCOVERY as u32, "DISCOVERY"),
        (AUTH_START as u32, "AUTH_START"),
        (AUTH_RESPONSE as u32, "AUTH_RESPONSE"),
        (CLOSE_SESSION as u32, "CLOSE_SESSION"),
        (RESUME_BOOT as u32, "RESUME_BOOT"),
        (LOCK_DEBUG as u32, "LOCK_DEBUG"),
        (LCS_CHANGE as u32, "LCS_CHANGE"),
    ];
}

/// Status of a response.
pub mod status {
    /// Done.
    pub const SUCCESS: u16 = 0x0000;
    /// Refused.
    pub const FAILURE: u16 = 0x0001;
    /// More is needed (next certificate, token).
    pub const NEED_MORE_DATA: u16 = 0x0002;
    /// Not supported.
    pub const UNSUPPORTED: u16 = 0x0003;
    /// Not authorised.
    pub const UNAUTHORIZED: u16 = 0x0004;
    /// Wrong parameters.
    pub const INVALID_PARAMETERS: u16 = 0x0005;
    /// Unknown command.
    pub const INVALID_COMMAND: u16 = 0x7FFF;

    /// Names.
    pub const NAMES: &[(u32, &str)] = &[
        (SUCCESS as u32, "SUCCESS"),
        (FAILURE as u32, "FAILURE"),
        (NEED_MORE_DATA as u32, "NEED_MORE_DATA"),
        (UNSUPPORTED as u32, "UNSUPPORTED"),
        (UNAUTHORIZED as u32, "UNAUTHORIZED"),
        (INVALID_PARAMETERS as u32, "INVALID_PARAMETERS"),
        (INVALID_COMMAND as u32, "INVALID_COMMAND"),
    ];
}

/// Types of the type-length-value items. An item is {u16 0, u16 type, u32 length, bytes}, not padded. [H5-DA-5]
pub mod tlv {
    /// Bytes before the value.
    pub const HEAD: usize = 8;
    /// Version of the protocol.
    pub const VERSION: u16 = 0x0001;
    /// Vendor (0x0020 = ST).
    pub const VENDOR: u16 = 0x0002;
    /// Part class (DEV_ID).
    pub const SOC_CLASS: u16 = 0x0003;
    /// The part itself: UID, then zero, 16 bytes.
    pub const SOC_ID: u16 = 0x0004;
    /// Permissions the part can give, 16 bytes.
    pub const HW_PERMISSION_MASK: u16 = 0x0007;
    /// Life cycle, 2 bytes. [H5-DA-9]
    pub const LIFECYCLE: u16 = 0x0008;
    /// Version of the ROM's debug authentication, least significant byte first: 02 04 00 00 is 2.4.0.
    pub const SDA_ID: u16 = 0x000A;
    /// Token formats.
    pub const TOKEN_FORMATS: u16 = 0x0100;
    /// Certificate formats.
    pub const CERT_FORMATS: u16 = 0x0101;
    /// Crypto systems.
    pub const CRYPTO_SYSTEMS: u16 = 0x0102;
    /// A signed token (authentication).
    pub const TOKEN: u16 = 0x0200;
    /// A certificate (authentication).
    pub const CERTIFICATE: u16 = 0x0201;
    /// ST: the password (authentication), provisioning integrity (discovery). [H5-DA-6] [H5-DA-7]
    pub const ST_PASSWORD: u16 = 0x8000;
    /// ST: provisioning integrity (discovery), the same number.
    pub const ST_INTEGRITY: u16 = 0x8000;
    /// ST: level 1 status.
    pub const ST_HDPL1_STATUS: u16 = 0x8001;
    /// ST: level 2 status.
    pub const ST_HDPL2_STATUS: u16 = 0x8002;
    /// ST: level 3 status.
    pub const ST_HDPL3_STATUS: u16 = 0x8003;

    /// Names.
    pub const NAMES: &[(u32, &str)] = &[
        (VERSION as u32, "VERSION"),
        (VENDOR as u32, "VENDOR"),
        (SOC_CLASS as u32, "SOC_CLASS"),
        (SOC_ID as u32, "SOC_ID"),
        (HW_PERMISSION_MASK as u32, "HW_PERMISSION_MASK"),
        (LIFECYCLE as u32, "LIFECYCLE"),
        (SDA_ID as u32, "SDA_ID"),
        (TOKEN_FORMATS as u32, "TOKEN_FORMATS"),
        (CERT_FORMATS as u32, "CERT_FORMATS"),
        (CRYPTO_SYSTEMS as u32, "CRYPTO_SYSTEMS"),
        (TOKEN as u32, "TOKEN"),
        (CERTIFICATE as u32, "CERTIFICATE"),
        (ST_PASSWORD as u32, "ST_PASSWORD/ST_INTEGRITY"),
        (ST_HDPL1_STATUS as u32, "ST_HDPL1_STATUS"),
        (ST_HDPL2_STATUS as u32, "ST_HDPL2_STATUS"),
        (ST_HDPL3_STATUS as u32, "ST_HDPL3_STATUS"),
    ];
}

/// Values inside the items.
pub mod value {
    /// CRYPTO_SYSTEMS: ECDSA P-256 with SHA-256.
    pub const CRYPTO_ECDSA_P256: u8 = 0x01;
    /// CRYPTO_SYSTEMS: ST's password.
    pub const CRYPTO_PASSWORD: u8 = 0x80;
    /// VENDOR: ST.
    pub const VENDOR_ST: u16 = 0x0020;
    /// ST_INTEGRITY: provisioned.
    pub const INTEGRITY_OK: u32 = crate::h5::rss::result::SUCCESS;
    /// ST_INTEGRITY: not provisioned.
    pub const INTEGRITY_BAD: u32 = crate::h5::rss::result::ERROR;
    /// HDPLx status: present.
    pub const HDPL_PRESENT: u32 = 1;
    /// HDPLx status: absent.
    pub const HDPL_ABSENT: u32 = 0xFFFF_FFFF;
    /// The byte of LIFECYCLE that is Arm's class, while keys are provisioned; the other one tells the product state.
    /// Which of them comes first is not certain: see [`lifecycle`](super::lifecycle). [H5-DA-9]
    pub const LIFECYCLE_TAG: u8 = 0x20;
    /// Bytes of the challenge of AUTH_START.
    pub const CHALLENGE_LEN: usize = 32;
}

/// The two bytes of LIFECYCLE: Arm's class, and the product state. [H5-DA-9]
///
/// Arm's reference and ST's code for other parts send a little-endian number whose upper byte is the class, so the class
/// comes second; and ST's N6 gives the state with its two digits exchanged (0x27 for 0x72). What the H5 sends is not
/// public. No class is a state in either reading and no state with exchanged digits is another state, so every order is
/// understood.
pub mod lifecycle {
    use crate::h5::state::ProductState;

    /// Being made: the part is OPEN.
    pub const ASSEMBLY: u8 = 0x10;
    /// Keys are being provisioned.
    pub const PROVISIONING: u8 = 0x20;
    /// Secured.
    pub const SECURED: u8 = 0x30;
    /// Decommissioned: the highest class.
    pub const DECOMMISSIONED: u8 = 0x60;

    /// The product state that an item tells; `None` when it tells none.
    #[must_use]
    pub fn state(item: &[u8]) -> Option<ProductState> {
        let code = match *item {
            [code, class] if is_class(class) => code,
            [class, code] if is_class(class) => code,
            _ => return None,
        };
        [code, exchanged(code)].map(ProductState).into_iter().find(|state| state.is_known())
    }

    /// The item as ST's N6 writes it, with the class that Arm has for such a state.
    #[must_use]
    pub fn item(state: ProductState) -> [u8; 2] {
        let class = match state {
            ProductState::OPEN => ASSEMBLY,
            ProductState::PROVISIONING => PROVISIONING,
            _ => SECURED,
        };
        [exchanged(state.0), class]
    }

    fn is_class(byte: u8) -> bool {
        (ASSEMBLY..=DECOMMISSIONED).contains(&byte) && byte.trailing_zeros() >= 4
    }

    /// The byte with its two hexadecimal digits exchanged.
    const fn exchanged(byte: u8) -> u8 {
        byte.rotate_left(4)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_state_is_found_in_every_order_in_which_it_may_come() {
            for state in ProductState::ALL {
                for class in [0x10, 0x20, 0x30, 0x40, 0x50, 0x60] {
                    for code in [state.0, exchanged(state.0)] {
                        assert_eq!(super::state(&[class, code]), Some(state), "{class:02x} {code:02x}");
                        assert_eq!(super::state(&[code, class]), Some(state), "{code:02x} {class:02x}");
                    }
                }
                assert_eq!(super::state(&item(state)), Some(state));
            }
        }

        /// Bytes in ST's `debug_authentication.c` for the STM32N6: open, unprovisioned, provisioned.
        #[test]
        fn the_items_of_st_s_n6_are_open_provisioning_and_closed() {
            let told = [[0xDE, 0x10], [0x71, 0x20], [0x27, 0x30]].map(|item| state(&item));
            let states = [ProductState::OPEN, ProductState::PROVISIONING, ProductState::CLOSED];
            assert_eq!(told, states.map(Some));
            assert_eq!(states.map(item), [[0xDE, 0x10], [0x71, 0x20], [0x27, 0x30]]);
        }

        #[test]
        fn what_tells_no_state_is_none() {
            // The second is Arm's reference: a class, and no more.
            for item in [&[0x20, 0x00][..], &[0x00, 0x30], &[0x72], &[0x20, 0x72, 0], &[0x72, 0x27], &[]] {
                assert_eq!(state(item), None, "{item:02x?}");
            }
        }
    }
}

/// Bits of the permission mask. [H5-DA-8]
pub mod permission {
    /// Non-secure debug from level 1.
    pub const LEVEL1_NON_SECURE_DEBUG: u32 = 1 << 0;
    /// Non-secure debug from level 2.
    pub const LEVEL2_NON_SECURE_DEBUG: u32 = 1 << 1;
    /// Non-secure debug from level 3.
    pub const LEVEL3_NON_SECURE_DEBUG: u32 = 1 << 2;
    /// Debug from level 1.
    pub const LEVEL1_INTRUSIVE_DEBUG: u32 = 1 << 4;
    /// Debug from level 2.
    pub const LEVEL2_INTRUSIVE_DEBUG: u32 = 1 << 5;
    /// Debug from level 3.
    pub const LEVEL3_INTRUSIVE_DEBUG: u32 = 1 << 6;
    /// Back to TZ-CLOSED.
    pub const TO_TZ_REGRESSION: u32 = 1 << 12;
    /// Back to OPEN, everything erased.
    pub const FULL_REGRESSION: u32 = 1 << 14;

    /// Names by bit.
    pub const NAMES: &[(u32, &str)] = &[
        (FULL_REGRESSION, "Full Regression"),
        (TO_TZ_REGRESSION, "To TZ Regression"),
        (LEVEL3_INTRUSIVE_DEBUG, "Level 3 Intrusive Debug"),
        (LEVEL2_INTRUSIVE_DEBUG, "Level 2 Intrusive Debug"),
        (LEVEL1_INTRUSIVE_DEBUG, "Level 1 Intrusive Debug"),
        (LEVEL3_NON_SECURE_DEBUG, "Level 3 Non-secure Debug"),
        (LEVEL2_NON_SECURE_DEBUG, "Level 2 Non-secure Debug"),
        (LEVEL1_NON_SECURE_DEBUG, "Level 1 Non-secure Debug"),
    ];
}
