//! From flags to a job, a policy, limits.

use crate::cli::{RegressArgs, Tuning};
use crate::trouble::Trouble;
use pace::{Patience, Policy};
use provision::{Job, Limits, Overrides, Step};
use std::path::Path;
use std::time::Duration;
use wire::Hz;

/// A preset by its name, else a file.
pub(crate) fn policy(name: &str) -> Result<Policy, Trouble> {
    Ok(session::policy(Some(name), &[])?)
}

pub(crate) fn speed(khz: Option<u32>) -> Result<Option<Hz>, Trouble> {
    match khz {
        Some(0) => Err(Trouble::usage("--speed 0 is no clock")),
        khz => Ok(khz.map(Hz::khz)),
    }
}

/// A job with the command line's settings on top.
pub(crate) fn load(path: &Path, tuning: &Tuning) -> Result<Job, Trouble> {
    tuned(Job::load(path)?, tuning)
}

fn tuned(mut job: Job, tuning: &Tuning) -> Result<Job, Trouble> {
    job.apply(&Overrides {
        policy: tuning.policy.as_deref().map(policy).transpose()?,
        set: tuning.set.clone(),
        connect: tuning.connect.clone(),
        ap: tuning.ap.clone(),
        speed: speed(tuning.speed)?,
    })?;
    Ok(job)
}

/// The job of a regression: the one that was named, or one that says no more than the family.
pub(crate) fn for_regress(args: &RegressArgs) -> Result<Job, Trouble> {
    let job = match (&args.job, &args.family) {
        (Some(path), _) => Job::load(path)?,
        (None, Some(family)) => Job::of_family(crate::obk::named(family)?),
        (None, None) => return Err(Trouble::usage("name a job, or give --family")),
    };
    tuned(job, &args.tuning)
}

pub(crate) fn limits(until: Option<&str>, deadline: Option<&str>) -> Result<Limits, Trouble> {
    Ok(Limits { deadline: deadline.map(time).transpose()?, until: until.map(step).transpose()? })
}

fn time(text: &str) -> Result<Duration, Trouble> {
    match text.parse() {
        Ok(Patience::Time(time)) => Ok(time),
        _ => Err(Trouble::usage(format!("--deadline takes a time such as 60s, and `{text}` is none"))),
    }
}

fn step(text: &str) -> Result<Step, Trouble> {
    Step::from_name(text).ok_or_else(|| {
        let all: Vec<_> = Step::RUN.iter().map(|s| s.name()).collect();
        Trouble::usage(format!("--until {text}: there are {}", all.join(", ")))
    })
}
