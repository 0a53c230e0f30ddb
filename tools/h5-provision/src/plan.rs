//! `plan`.

use crate::cli::{Format, PlanArgs};
use crate::console::Output;
use crate::trouble::Trouble;
use provision::{Basis, Exit, FileRule, Goods, Live, Plan};

pub(crate) fn plan(args: &PlanArgs, output: &mut Output) -> Result<Exit, Trouble> {
    let job = crate::job::load(&args.job, &args.tuning)?;
    // A plan reads the password only to compare it with the OBK: nothing is at risk that a warning would not cover.
    let mut goods = Goods::load(&job, FileRule::Lenient)?;
    let basis = match &args.probe {
        None => Basis::ASSUMED_OPEN,
        Some(probe) => {
            let mut session = crate::open::open(probe, &job.policy, job.speed, &args.recording, output)?;
            let basis = Basis::read(&job, &mut Live::new(&mut session.adi));
            if basis.is_err() {
                crate::open::show_flight(&session, output);
            }
            let closed = crate::open::close(session, output);
            let basis = basis?;
            closed?;
            // What a run would refuse is no plan.
            goods.warnings.extend(goods.check(&job, basis.tzen)?);
            goods.warnings.dedup();
            basis
        }
    };
    let plan = Plan::new(&job, &goods, &basis);
    match args.format.format {
        Format::Text => output.print(plan.to_string().trim_end()),
        Format::Json => {
            output.json(&serde_json::to_value(&plan).map_err(|e| Trouble::new(Exit::Bug, e.to_string()))?)
        }
    }
    Ok(Exit::Done)
}
