//! A plan as text.

use super::{Plan, PlannedStep, Reversible};
use std::fmt;

/// Sectors listed one by one; what is more is summed up.
const LISTED: usize = 8;

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "job        {} (SHA-256 {})", self.job, self.job_sha256.get(..16).unwrap_or_default())?;
        writeln!(f, "part       {}{}", self.family, if self.production { ", production" } else { "" })?;
        writeln!(f, "from       {}", self.from)?;
        writeln!(f, "goal       {}", self.goal)?;
        writeln!(f, "connect    {}", self.connect)?;
        for warning in &self.warnings {
            writeln!(f, "warning    {warning}")?;
        }
        if let Some(stop) = &self.stop {
            return writeln!(f, "no steps   {stop}");
        }
        for (n, step) in (1..).zip(&self.steps) {
            show(f, n, step)?;
        }
        Ok(())
    }
}

fn show(f: &mut fmt::Formatter<'_>, n: usize, step: &PlannedStep) -> fmt::Result {
    write!(f, "\n{n:>2}. {}", step.step)?;
    if !step.connect.is_empty() {
        write!(f, "  [{}]", step.connect)?;
    }
    writeln!(f)?;
    for condition in &step.conditions {
        writeln!(f, "      only if  {condition}")?;
    }
    for does in &step.does {
        writeln!(f, "      does     {does}")?;
    }
    for write in step.writes.iter().take(LISTED) {
        writeln!(f, "      writes   {}: {}", write.at, write.what)?;
    }
    if step.writes.len() > LISTED {
        writeln!(f, "      writes   and {} more", step.writes.len() - LISTED)?;
    }
    if step.reversible != Reversible::NothingWritten {
        writeln!(f, "      undo     {}", step.reversible.text())?;
    }
    Ok(())
}
