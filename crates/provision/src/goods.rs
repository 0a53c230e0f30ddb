//! What a job brings along: images, provisioning file, password, all read and checked before a probe is touched.

use crate::credential::{self, CredentialError, FileRule, LoadedObk};
use crate::error::RunError;
use crate::image::Firmware;
use crate::job::{Goal, Job, JobError};
use crate::text::hex;
use h5::{Password, Tzen};
use regs::h5::option::UBE_ST_IROT;
use sha2::{Digest, Sha256};
use std::fmt;

/// The files of a job, loaded.
pub struct Goods {
    /// Images.
    pub firmware: Firmware,
    /// Provisioning file.
    pub obk: Option<LoadedObk>,
    /// The password that belongs to it.
    pub password: Option<Password>,
    /// What is odd but allowed.
    pub warnings: Vec<String>,
    /// What was allowed because it is for the bench only.
    bench_only: Vec<RunError>,
    content: String,
}

impl fmt::Debug for Goods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Goods")
            .field("firmware", &self.firmware)
            .field("obk", &self.obk)
            .field("warnings", &self.warnings)
            .finish_non_exhaustive()
    }
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
        let (mut warnings, mut bench_only) = (Vec::new(), Vec::new());
        let password = match &job.password_file {
            None => None,
            Some(path) => {
                let (password, exposed) = credential::load_password(path, rule)?;
                warnings.extend(exposed.as_ref().map(CredentialError::waived));
                bench_only.extend(exposed.map(RunError::from));
                Some(password)
            }
        };
        if let Some(why) = unmarked(job) {
            warnings.push(format!("{why}; {}", credential::ONLY_HERE));
            bench_only.push(JobError::Refused(why).into());
        }
        if firmware.sectors.is_empty() && job.goal == Goal::Closed {
            warnings.push(
                "the job has no image: whatever the flash holds, or nothing, is what will be closed in"
                    .to_owned(),
            );
        }
        let mut goods = Goods { firmware, obk, password, warnings, bench_only, content: String::new() };
        if rule == FileRule::Strict {
            goods.strict()?;
        }
        goods.content = goods.digest_content(job);
        let found = goods.check(job, Tzen::Off)?;
        goods.warnings.extend(found);
        Ok(goods)
    }

    /// Nothing: for what needs no files.
    pub fn none() -> Goods {
        let (warnings, bench_only) = (Vec::new(), Vec::new());
        let firmware = Firmware::default();
        Goods { firmware, obk: None, password: None, warnings, bench_only, content: String::new() }
    }

    /// What [`FileRule::Strict`] would have refused, now that it is known that the board is real. The files are not read
    /// again: a password may come from a pipe.
    ///
    /// # Errors
    /// [`RunError`]; nothing was written.
    pub fn strict(&mut self) -> Result<(), RunError> {
        if self.bench_only.is_empty() { Ok(()) } else { Err(self.bench_only.remove(0)) }
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

    /// SHA-256 of the provisioning file. Short passwords can be guessed from it: it goes nowhere but into a seal.
    pub(crate) fn obk_digest(&self) -> String {
        self.obk.as_ref().map(|o| hex(&o.sha256)).unwrap_or_default()
    }

    /// Digest of everything that a part holds when the job is done. Two jobs that work differently but put the same into a
    /// part have the same. It goes nowhere but into a seal.
    pub(crate) fn content(&self) -> &str {
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

/// Why a job that puts a credential in must say what is printed on the package, if it does not. [H5-DBG-11]
fn unmarked(job: &Job) -> Option<String> {
    let twins: Vec<_> = job.family.device().crypto_twins().map(|d| d.family.to_string()).collect();
    if twins.is_empty() || job.marking.is_some() || job.goal == Goal::Open {
        return None;
    }
    Some(format!(
        "no register tells {} from {}, and the credential of one can close the other for ever: read the text on the package \
         and write it into the job, [device] marking = \"{}...\"",
        job.family,
        twins.join(" or "),
        job.family
    ))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{Folder, JOB};
    use crate::{Basis, Exit, Plan};

    #[test]
    fn a_job_that_does_not_say_what_the_package_says_is_for_the_bench_only() {
        let folder = Folder::new();
        let text = JOB.replace("marking = \"STM32H562RGT6\"\n", "");
        let job = folder.job(&text);
        let e = Goods::load(&job, FileRule::Strict).unwrap_err();
        assert_eq!(e.exit(), Exit::Refused);
        assert!(e.to_string().contains("STM32H573") && e.to_string().contains("marking"), "{e}");
        let mut goods = Goods::load(&job, FileRule::Lenient).unwrap();
        assert!(goods.warnings.iter().any(|w| w.contains("no register tells")), "{:?}", goods.warnings);
        assert!(goods.strict().is_err());
        let plan = Plan::new(&job, &goods, &Basis::ASSUMED_OPEN).to_string();
        assert!(plan.contains("cannot be read over a debugger (the job says nothing is printed"), "{plan}");
        // Nothing is put in that could close it for ever.
        let open = folder.job(&text.replace("CLOSED", "OPEN"));
        assert!(Goods::load(&open, FileRule::Strict).is_ok());
    }

    #[test]
    fn a_job_that_closes_a_part_without_a_program_says_so() {
        let folder = Folder::new();
        let image = "[[image]]\npath = \"fw.bin\"\naddress = 0x0800_0000\n";
        let bare = folder.job(&JOB.replace(image, ""));
        assert!(folder.goods(&bare).warnings.iter().any(|w| w.contains("no image")));
        assert!(folder.goods(&folder.job(JOB)).warnings.is_empty());
    }

    /// Whether the board is real is known only when its probe is open, and a pipe can be read once.
    #[cfg(unix)]
    #[test]
    fn the_password_is_read_once_whatever_is_asked_of_its_file() {
        let folder = Folder::new();
        let job = folder.job(JOB);
        let path = job.password_file.clone().unwrap();
        let word = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        for mode in ["600", "644"] {
            let made = std::process::Command::new("mkfifo").args(["-m", mode]).arg(&path).status();
            assert!(made.unwrap().success());
            let writer = {
                let (path, word) = (path.clone(), word.clone());
                std::thread::spawn(move || std::fs::write(path, word))
            };
            let mut goods = Goods::load(&job, FileRule::Lenient).unwrap();
            writer.join().unwrap().unwrap();
            std::fs::remove_file(&path).unwrap();
            assert!(goods.password.is_some());
            let strict = goods.strict();
            assert_eq!(strict.is_ok(), mode == "600");
            if let Err(e) = strict {
                assert_eq!(e.exit(), Exit::Permission);
            }
        }
    }
}
