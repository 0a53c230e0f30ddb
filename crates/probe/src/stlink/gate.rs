//! What a firmware must bring, and what is said when it does not: which one brings it, and what to do. [STL-4]

use super::StLink;
use ::stlink::Feature;
use wire::{LinkError, Pipe};

impl<P: Pipe> StLink<P> {
    /// Refuses what this firmware does not have.
    pub(super) fn need(&self, feature: Feature) -> Result<(), LinkError> {
        if self.has(feature) { Ok(()) } else { Err(LinkError::Unsupported(missing(feature))) }
    }
}

/// Why something cannot be done without this.
pub(super) const fn missing(feature: Feature) -> &'static str {
    match feature {
        Feature::DapRegisters => {
            "its firmware is older than V2J24, which brought access to the debug port: update it with ST's \
             STSW-LINK007, or use another probe"
        }
        Feature::Mem16 => "16-bit accesses came with firmware V2J26: update it with ST's STSW-LINK007",
        Feature::InitAp => {
            "its firmware has access port 0 only, others came with V2J28 (the core of an STM32H5 is behind port 1): \
             update it with ST's STSW-LINK007"
        }
        Feature::BankedDp => {
            "banked registers of the debug port came with firmware V2J32 and V3J2: update it with ST's STSW-LINK007"
        }
        Feature::CswArgument => {
            "accesses marked secure or non-secure came with firmware V2J32 and V3J2: update it with ST's STSW-LINK007"
        }
        _ => "its firmware is too old for that: update it with ST's STSW-LINK007",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::stlink::Family;

    #[test]
    fn each_refusal_names_the_firmware_that_brings_it_and_what_to_do() {
        for feature in
            [Feature::DapRegisters, Feature::Mem16, Feature::InitAp, Feature::BankedDp, Feature::CswArgument]
        {
            let text = missing(feature);
            assert!(text.contains("STSW-LINK007"), "{text}");
            for (family, hardware) in [(Family::V2, 2), (Family::V3, 3)] {
                let since = feature.since(family).unwrap_or_default();
                let number = format!("V{hardware}J{since}");
                assert!(since == 0 || text.contains(&number), "{number}: {text}");
            }
        }
    }
}
