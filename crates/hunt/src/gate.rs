//! The gates before a hunt: who the part is, whether the keys fit it, and whether somebody vouches for the way back.
//! Nothing is written here.

use crate::cell::AP1;
use crate::hands::Hands;
use crate::run::{HuntError, Job, Lab, Plan};
use adi::{Adi, Attach, CoreAccess};
use h5::obk::{LintContext, Severity};
use h5::{Discovery, H5Error, Identity, Integrity, ObkFile, ObkRoute, Part, Password, wait_ap_open};
use regs::h5::state::ProductState;
use regs::m33::DEMCR;
use wire::{Addr, Attr, Bench};

/// The way to the core.
pub(crate) const CORE: CoreAccess = CoreAccess { ap: AP1, attr: Attr::Default };

impl<'a> Lab<'a> {
    /// Goes through the gates: the part is identified with nothing in the board's USB connector, its ROM is asked, and it is
    /// made sure that nothing which the trials do can shut it. Nothing is written. The bench is left with the supply on,
    /// nothing in the connector and BOOT0 low, as it is after a hunt.
    ///
    /// # Errors
    /// [`HuntError::Refused`] and [`HuntError::Unvouched`] with the reason, and others.
    pub fn open(adi: &'a mut Adi, bench: &'a mut dyn Bench, plan: &Plan<'_>) -> Result<Lab<'a>, HuntError> {
        let mut hands = Hands::new(bench);
        if let Some(error) = hands.rest().into_iter().next() {
            return Err(error.into());
        }
        adi.attach(&Attach::HOTPLUG).map_err(H5Error::from)?;
        // The board was just unplugged, so that the part may have lost its power; and what was before is over now.
        adi.pulse_reset().map_err(H5Error::from)?;
        let identity = h5::identify(adi, AP1)?;
        let job = job(&identity, plan)?;
        check_state(&identity, &job)?;
        let (board, notes) = vouched(adi, &identity, plan.undiscovered)?;
        let options = Part::new(adi, AP1, identity.clone()).options()?;
        if let Some(pending) = options.pending().first() {
            return refuse(format!(
                "a change of option bytes waits to be started, and the trials would start it: {pending}"
            ));
        }
        let demcr = adi.read_word(CORE.ap, CORE.attr, Addr(DEMCR)).map_err(H5Error::from)?;
        let mut lab = Lab {
            policy: adi.policy().clone(),
            swclk: adi.swclk(),
            adi,
            hands,
            identity,
            options,
            demcr,
            job,
            matrix: plan.matrix.clone(),
            seed: plan.seed,
            board,
            notes,
            // Whoever was here before may have halted the core, and a reset does not take that back.
            held: true,
        };
        lab.let_go()?;
        Ok(lab)
    }
}

fn refuse<T>(why: impl Into<String>) -> Result<T, HuntError> {
    Err(HuntError::Refused(why.into()))
}

fn job(identity: &Identity, plan: &Plan<'_>) -> Result<Job, HuntError> {
    let Some((file, password)) = plan.keys else { return Ok(Job::Options) };
    check_keys(identity, file, password)?;
    let route = plan.route.unwrap_or_else(|| ObkRoute::default_for(identity.device, identity.tzen));
    if route == ObkRoute::RssCommand {
        return refuse(
            "the rss-command route is no part of a hunt: the ROM does the job in a reset, where nothing can be watched",
        );
    }
    Ok(Job::Keys { file: file.clone(), route })
}

/// The keys must open the part again, and fit it.
fn check_keys(identity: &Identity, file: &ObkFile, password: &Password) -> Result<(), HuntError> {
    if !file.matches_password(password) {
        return refuse(
            "the password does not belong to the OBK file: with these keys nobody could open the part again",
        );
    }
    let family = identity.device.family;
    let context =
        LintContext { family, tzen: identity.tzen, credential: Some(password.into()), production: false };
    let wrong: Vec<_> =
        file.lint(&context).into_iter().filter(|f| f.severity == Severity::Refuse).map(|f| f.text).collect();
    if wrong.is_empty() {
        Ok(())
    } else {
        refuse(format!("the OBK file does not fit the part: {}", wrong.join("; ")))
    }
}

/// Only states from which nothing that the trials do leads away.
fn check_state(identity: &Identity, job: &Job) -> Result<(), HuntError> {
    let state = identity.state;
    let fits = match job {
        Job::Keys { .. } => state == ProductState::PROVISIONING,
        Job::Options => matches!(state, ProductState::OPEN | ProductState::PROVISIONING),
    };
    if fits {
        return Ok(());
    }
    let needs = match job {
        Job::Keys { .. } => {
            "PROVISIONING: keys can be written there again and again, and the trials never change the state"
        }
        Job::Options => "OPEN or PROVISIONING: in any other state a torn option change may be for ever",
    };
    refuse(format!("the part is in {state}, and this hunt needs {needs}"))
}

/// Asks the ROM. Returns the unique id and what is to be known of the answer.
fn vouched(
    adi: &mut Adi,
    identity: &Identity,
    undiscovered: bool,
) -> Result<(Option<String>, Vec<String>), HuntError> {
    let uid = identity.uid.map(|uid| uid.to_string());
    if identity.state == ProductState::OPEN {
        let note = "the part is OPEN, so there is nothing to vouch for: no discovery was made";
        return Ok((uid, vec![note.to_owned()]));
    }
    let found = h5::da::discover(adi);
    wait_ap_open(adi, AP1)?;
    let (uid, said) = match found {
        Ok(found) => (Some(uid_of(&found)), judged(&found, identity.state)),
        Err(error) if !reset_reaches(adi)? => {
            let note = format!(
                "no discovery, because NRST does not reach the part ({error}). The part stays in PROVISIONING, where it can \
                 be worked with; the way back to OPEN needs NRST"
            );
            return Ok((uid, vec![note]));
        }
        Err(error) => (uid, Err(format!("the ROM does not answer a discovery: {error}"))),
    };
    match said {
        Ok(note) => Ok((uid, vec![note])),
        Err(why) if undiscovered => Ok((uid, vec![format!("the hunt was let through all the same: {why}")])),
        Err(why) => Err(HuntError::Unvouched(format!(
            "{why}. No trial leaves {}, so that the part can be worked with as it can now; but nobody vouches for a way \
             back to OPEN",
            identity.state
        ))),
    }
}

/// The unique id is the beginning of SOC_ID. [H5-DA-5]
fn uid_of(found: &Discovery) -> String {
    found.soc_id.iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}

/// What the ROM's answer means for a hunt; an error says why it must not begin.
fn judged(found: &Discovery, state: ProductState) -> Result<String, String> {
    if let Some(other) = found.lifecycle.filter(|told| *told != state) {
        return Err(format!("the option bytes say {state}, and the ROM says {other}"));
    }
    let integrity = found.integrity;
    let opens = found.permissions.full_regression();
    match integrity {
        Integrity::BAD => Ok("the ROM answers and holds no whole keys; the trials bring some".to_owned()),
        Integrity::OK if opens => {
            Ok("the ROM answers, its keys are whole, and they open the part".to_owned())
        }
        Integrity::OK => Err("the keys on the part do not permit a full regression".to_owned()),
        other => Err(format!("the ROM says of its keys: {other}")),
    }
}

/// Whether a pulse on NRST resets the core.
fn reset_reaches(adi: &mut Adi) -> Result<bool, H5Error> {
    // Clears S_RESET_ST.
    adi.core_status(CORE)?;
    adi.pulse_reset()?;
    wait_ap_open(adi, AP1)?;
    Ok(adi.core_status(CORE)?.was_reset())
}
