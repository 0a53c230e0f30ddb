//! What the ROM says in a discovery, and how long it takes. Each of these resets the part.

use super::site::{Answer, Found, Gap, Site, gap, micros};
use adi::Waited;
use h5::da::{DaEntry, DaError, Discovery, discover_with, greet};
use h5::{H5Error, ProductState};
use pace::Patience;
use regs::h5::da::{MAGIC_DEVICE, MAGIC_HOST_N6, lifecycle, tlv};
use std::time::Duration;
use wire::Addr;

/// More than any tool waits.
const PATIENT: Patience = Patience::ms(3000);
/// What the other side gets for a word and for a reply. [H5-DA-10]
const WORD: Duration = Duration::from_millis(50);
const REPLY: Duration = Duration::from_millis(1000);

/// The magic word that the ROM listens to, and its answer.
fn greeted(site: &mut Site<'_>) -> Result<(DaEntry, u32), Gap> {
    let usual = DaEntry::default();
    for entry in [usual, DaEntry { magic_host: MAGIC_HOST_N6, ..usual }] {
        match greet(site.adi, &entry) {
            Ok(word) | Err(H5Error::Da(DaError::WrongMagic { got: word, .. })) => return Ok((entry, word)),
            Err(H5Error::TargetBusy { .. }) => {}
            Err(e) => return Err(e.into()),
        }
    }
    gap("the ROM answers neither magic word that is known")
}

/// The words that open a session. [H5-DA-2]
pub(crate) fn greeting(site: &mut Site<'_>) -> Answer {
    let (entry, word) = greeted(site)?;
    let magic = if entry.magic_host == MAGIC_HOST_N6 { "n6" } else { "h5" };
    let reply = if word == entry.magic_host { "echo" } else { "daok" };
    let evidence = format!("{} is answered with {}", Addr(entry.magic_host), Addr(word));
    let holds = entry == DaEntry::default() && word == MAGIC_DEVICE;
    Ok(Found::new(holds, evidence).with("da.magic", magic).with("da.reply", reply))
}

fn discovered(site: &mut Site<'_>) -> Result<Discovery, Gap> {
    let (entry, _) = greeted(site)?;
    Ok(discover_with(site.adi, &entry)?)
}

/// The order of the two bytes of the life cycle. [H5-DA-9]
pub(crate) fn life_cycle(site: &mut Site<'_>) -> Answer {
    let discovery = discovered(site)?;
    let Some(item) = discovery.items.iter().find(|item| item.kind == tlv::LIFECYCLE) else {
        return Ok(Found::new(false, "the discovery has no life cycle"));
    };
    let state = site.identity.as_ref().map(|i| i.state).or_else(|| lifecycle::state(&item.value));
    let evidence = format!("{:02X?}", item.value);
    let Some(order) = state.and_then(|state| order(&item.value, state)) else {
        return Ok(Found::new(false, format!("{evidence} is in no order that is known")));
    };
    let words = match order {
        "n6" => "the state with its digits exchanged, then the class",
        "class-first" => "the class, then the state",
        _ => "the state, then the class",
    };
    Ok(Found::choice("da.lifecycle", order, "n6", format!("{evidence}: {words}")))
}

/// The setting that stands for how an item tells a state.
fn order(item: &[u8], state: ProductState) -> Option<&'static str> {
    match *item {
        [code, _] if code == state.0.rotate_left(4) => Some("n6"),
        [code, _] if code == state.0 => Some("class-second"),
        [_, code] if code == state.0 => Some("class-first"),
        _ => None,
    }
}

/// How long the ROM takes for a word and for a reply. [H5-DA-10]
pub(crate) fn pace(site: &mut Site<'_>) -> Answer {
    let (entry, _) = greeted(site)?;
    let waits = site.brisk(|site| {
        let mut policy = site.adi.policy().clone();
        (policy.da.word, policy.da.reply) = (PATIENT, PATIENT);
        site.adi.set_policy(policy)?;
        site.adi.take_waits();
        discover_with(site.adi, &entry)?;
        Ok(site.adi.take_waits())
    })?;
    let longest =
        |key: &str| waits.iter().filter(|w| w.key == key).map(Waited::took).max().unwrap_or_default();
    let (word, reply) = (longest("da.word"), longest("da.reply"));
    let found = Found::new(
        word <= WORD && reply <= REPLY,
        format!("a word took {word:.1?} at most, a reply {reply:.1?}"),
    );
    // A wait of one look says only that the host was slower.
    let seen = waits.iter().any(|w| w.key == "da.word" && w.looks > 2);
    Ok(if seen { found.with("da.word.us", micros(word)) } else { found })
}
