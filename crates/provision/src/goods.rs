//! What a job brings along: images, provisioning file, password, all read and checked before a probe is touched.

use crate::credential::{self, CredentialError, FileRule, LoadedObk};
use crate::error::RunError;
use crate::image::Firmware;
use crate::job::{Goal, Job};
use crate::text::hex;
use h5::{Password, Tzen};
use regs::h5::option::UBE_ST_IROT;
use sha2::{Digest, Sha256};

/// The files of a job, loaded.
#[derive(Debug)]
pub struct Goods {
    /// Images.
    pub firmware: Firmware,
    /// Provisioning file.
    pub obk: Option<LoadedObk>,
    /// The password that belongs to it.
    pub password: Option<Password>,
    /// What is odd but allowed.
    pub warnings: Vec<String>,
    content: String,
}

impl Goods {
    /// Loads everything a job names and refuses what could not end well. TrustZone counts as off where the job does not set
    /// it; [`Goods::check`] repeats the rules when the part has been asked.
    ///
    /// # Errors
    /// [`RunError`]; no probe was touched.
    pub fn load(job: &Job, rule: FileRule) -> Result<Goods, RunError> {
        let rule = if job.production { FileRule::Strict } else { rule };
        let firmware = Firmware::load(job)?;
        let obk = credential::load_obk(job)?;
        let mut warnings = Vec::new();
        let password = match &job.password_file {
            None => None,
            Some(path) => {
                let (password, warning) = credential::load_password(path, rule)?;
                warnings.extend(warning);
                Some(password)
            }
        };
        let mut goods = Goods { firmware, obk, password, warnings, content: String::new() };
        goods.content = goods.digest_content(job);
        let found = goods.check(job, Tzen::Off)?;
        goods.warnings.extend(found);
        Ok(goods)
    }

    /// Nothing: for what needs no files.
    pub fn none() -> Goods {
        let firmware = Firmware::default();
        Goods { firmware, obk: None, password: None, warnings: Vec::new(), content: String::new() }
    }

    /// The rules, with TrustZone as the part has it now.
    ///
    /// # Errors
    /// [`CredentialError::Rule`].
    pub fn check(&self, job: &Job, tzen: Tzen) -> Result<Vec<String>, CredentialError> {
        let Some(obk) = &self.obk else { return Ok(Vec::new()) };
        credential::check(job, obk, self.password.as_ref(), credential::tzen_after(job, tzen))
    }

    /// Digest of sectors and data.
    pub fn firmware_digest(&self) -> String {
        hex(&self.firmware.digest())
    }

    /// SHA-256 of the provisioning file.
    pub fn obk_digest(&self) -> String {
        self.obk.as_ref().map(|o| hex(&o.sha256)).unwrap_or_default()
    }

    /// Digest of everything that a part holds when the job is done. Two jobs that work differently but put the same into a
    /// part have the same.
    pub fn content(&self) -> &str {
        &self.content
    }

    fn digest_content(&self, job: &Job) -> String {
        let mut hash = Sha256::new();
        for part in [
            job.family.to_string(),
            job.goal.word().to_owned(),
            self.firmware_digest(),
            options_digest(job),
            self.obk_digest(),
        ] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        hex(&hash.finalize())
    }
}

/// Digest of the option bytes that a job sets.
pub(crate) fn options_digest(job: &Job) -> String {
    let mut lines: Vec<_> = job.options.iter().map(|c| format!("{}={}\n", c.byte.name, c.value)).collect();
    lines.sort();
    hex(&Sha256::digest(lines.concat().as_bytes()))
}

/// Whether closing would hand the part to ST's root of trust, which has no data: the part would be dead. [H5-STATE-8]
pub(crate) fn boot_ube_bricks(job: &Job, boot_ube: Option<u32>) -> bool {
    let after = job.options.iter().find(|c| c.byte.name == "BOOT_UBE").map(|c| c.value).or(boot_ube);
    job.goal == Goal::Closed && after == Some(UBE_ST_IROT)
}
