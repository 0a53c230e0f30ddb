//! Words that a board reads otherwise than the model does: what a survey of a real one found.

/// Where a debugger reads a constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spot {
    /// DPIDR.
    Dpidr,
    /// IDR of an access port.
    Idr(u8),
    /// BASE of an access port.
    Base(u8),
    /// A word behind an access port.
    Word(u8, u32),
}

/// Words by their places.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reads(Vec<(Spot, u32)>);

impl Reads {
    /// What is read there, if that was said. What was said last counts.
    pub(crate) fn at(&self, spot: Spot) -> Option<u32> {
        self.0.iter().rev().find(|(at, _)| *at == spot).map(|(_, value)| *value)
    }

    /// Adds `ap1@0x4002_2000:0x13`. `false`: that does not fit.
    pub(super) fn add(&mut self, text: &str) -> bool {
        let parsed = text.split_once(':').and_then(|(spot, value)| Some((self::spot(spot)?, number(value)?)));
        self.0.extend(parsed);
        parsed.is_some()
    }
}

fn spot(text: &str) -> Option<Spot> {
    if text == "dpidr" {
        return Some(Spot::Dpidr);
    }
    let rest = text.strip_prefix("ap")?;
    let digits = rest.find(|c: char| !c.is_ascii_digit())?;
    let (port, place) = rest.split_at_checked(digits)?;
    let port = port.parse().ok()?;
    match place {
        ".idr" => Some(Spot::Idr(port)),
        ".base" => Some(Spot::Base(port)),
        _ => Some(Spot::Word(port, number(place.strip_prefix('@')?)?)).filter(aligned),
    }
}

fn aligned(spot: &Spot) -> bool {
    !matches!(spot, Spot::Word(_, at) if at % 4 != 0)
}

fn number(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("0x")?.replace('_', "");
    u32::from_str_radix(&digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_place_is_understood_and_what_is_said_last_counts() {
        let mut reads = Reads::default();
        for text in ["dpidr:0x1", "ap1.idr:0x2", "ap0.base:0x3", "ap1@0x4002_2000:0x4", "ap1@0x40022000:0x5"]
        {
            assert!(reads.add(text), "{text}");
        }
        assert_eq!(reads.at(Spot::Dpidr), Some(1));
        assert_eq!(reads.at(Spot::Idr(1)), Some(2));
        assert_eq!(reads.at(Spot::Base(0)), Some(3));
        assert_eq!(reads.at(Spot::Word(1, 0x4002_2000)), Some(5));
        assert_eq!(reads.at(Spot::Word(0, 0x4002_2000)), None);
    }

    #[test]
    fn what_is_no_place_or_no_number_is_refused() {
        for text in
            ["", "dpidr", "dpidr:1", "ap.idr:0x1", "ap1:0x1", "ap1@0x2:0x1", "ap300.idr:0x1", "apé@0x0:0x1"]
        {
            assert!(!Reads::default().add(text), "{text}");
        }
    }
}
