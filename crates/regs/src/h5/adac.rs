//! Certificates and tokens of Arm's ADAC 1.0 with ECDSA over P-256 and SHA-256, as bytes. Numbers are little-endian, keys and
//! signatures are two numbers of 32 bytes, highest byte first. [H5-DA-13] [H5-DA-14]

/// The first byte of the version of both formats; the second one is the minor version.
pub const MAJOR: u8 = 1;
/// Bytes of a public key: X, then Y.
pub const PUBLIC_KEY_LEN: usize = 64;
/// Bytes of a signature: r, then s.
pub const SIGNATURE_LEN: usize = 64;
/// Bytes of SHA-256.
pub const HASH_LEN: usize = 32;
/// Bytes of a permission mask.
pub const PERMISSIONS_LEN: usize = 16;
/// Bytes of the number of one part.
pub const SOC_ID_LEN: usize = 16;

/// Where the fields of a certificate begin. Its signature covers everything before it.
pub mod certificate {
    /// Version, two bytes.
    pub const VERSION: usize = 0;
    /// The crypto system of the signature.
    pub const SIGNATURE_TYPE: usize = 2;
    /// The crypto system of the public key.
    pub const KEY_TYPE: usize = 3;
    /// Role in the chain.
    pub const ROLE: usize = 4;
    /// Usage.
    pub const USAGE: usize = 5;
    /// Life cycle in which it holds, 2 bytes; 0 for any.
    pub const LIFECYCLE: usize = 8;
    /// Left to who makes the certificates, 2 bytes; 0 in ST's.
    pub const OEM_CONSTRAINT: usize = 10;
    /// Bytes of extensions behind the signature.
    pub const EXTENSIONS_LEN: usize = 12;
    /// Part class (DEV_ID) for which it holds, 4 bytes; 0 for any. [H5-DA-17]
    pub const SOC_CLASS: usize = 16;
    /// The one part for which it holds; 0 for any. [H5-DA-17]
    pub const SOC_ID: usize = 20;
    /// What it permits.
    pub const PERMISSIONS: usize = 36;
    /// The key that it is for.
    pub const PUBLIC_KEY: usize = 52;
    /// SHA-256 of the extensions; zero where there are none.
    pub const EXTENSIONS_HASH: usize = 116;
    /// Signature.
    pub const SIGNATURE: usize = 148;
    /// Bytes without extensions.
    pub const LEN: usize = 212;
}

/// Where the fields of a token begin. Its signature covers everything before it, and the challenge. [H5-DA-14]
pub mod token {
    /// Version, two bytes.
    pub const VERSION: usize = 0;
    /// The crypto system of the signature.
    pub const SIGNATURE_TYPE: usize = 2;
    /// Bytes of extensions behind the signature.
    pub const EXTENSIONS_LEN: usize = 4;
    /// What is asked for.
    pub const PERMISSIONS: usize = 8;
    /// SHA-256 of the extensions; zero where there are none.
    pub const EXTENSIONS_HASH: usize = 24;
    /// Signature.
    pub const SIGNATURE: usize = 56;
    /// Bytes without extensions.
    pub const LEN: usize = 120;
}

/// Roles of certificates. A chain is a root, or a root, any number of intermediate ones, and a leaf. [H5-DA-15]
pub mod role {
    /// Its key is the one whose hash is in the part; it is signed with it too.
    pub const ROOT: u8 = 1;
    /// Between root and leaf.
    pub const INTERMEDIATE: u8 = 2;
    /// Its key signs tokens.
    pub const LEAF: u8 = 3;

    /// Names.
    pub const NAMES: &[(u32, &str)] =
        &[(ROOT as u32, "root"), (INTERMEDIATE as u32, "intermediate"), (LEAF as u32, "leaf")];
}

/// What certificates are used for.
pub mod usage {
    /// Nothing special.
    pub const NEUTRAL: u8 = 0;
    /// Authentication; ST's have this one.
    pub const AUTHENTICATION: u8 = 1;
}

/// Bytes of the answer to AUTH_START before the challenge: version, and two that are zero.
pub const CHALLENGE_AT: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_follow_each_other() {
        use certificate as c;
        assert_eq!(c::SOC_ID + SOC_ID_LEN, c::PERMISSIONS);
        assert_eq!(c::PERMISSIONS + PERMISSIONS_LEN, c::PUBLIC_KEY);
        assert_eq!(c::PUBLIC_KEY + PUBLIC_KEY_LEN, c::EXTENSIONS_HASH);
        assert_eq!(c::EXTENSIONS_HASH + HASH_LEN, c::SIGNATURE);
        assert_eq!(c::SIGNATURE + SIGNATURE_LEN, c::LEN);
        use token as t;
        assert_eq!(t::PERMISSIONS + PERMISSIONS_LEN, t::EXTENSIONS_HASH);
        assert_eq!(t::EXTENSIONS_HASH + HASH_LEN, t::SIGNATURE);
        assert_eq!(t::SIGNATURE + SIGNATURE_LEN, t::LEN);
    }
}
