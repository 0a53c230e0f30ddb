//! A probe that fails while it is opened or closed: what a person reads, and that the same command does the job once the probe is back.

use super::*;

const PROBES: [&str; 4] = ["profile=hs", "profile=hid", "probe=stlink-v2", "probe=stlink-v3"];
/// Packets and answers that belong to the opening of each of them.
const OPENING: u32 = 4;

fn run(bench: &Bench, probe: &str) -> Done {
    let (job, journal) = (bench.path("job.toml"), bench.path("journal"));
    let probe = format!("{},{probe}", bench.probe());
    tool(&["run", &job, "--probe", &probe, "--journal", &journal])
}

#[test]
fn a_probe_that_fails_on_opening_is_told_with_state_and_next_command_and_does_the_job_when_it_is_back() {
    for probe in PROBES {
        let bench = Bench::new();
        for fault in ["unplug", "hang", "stall", "lost"] {
            for n in 1..=OPENING {
                let what = format!("{probe},{fault}={n}");
                let Done { exit, err, .. } = run(&bench, &what);
                assert_eq!(exit, Exit::Probe, "{what}: {err}");
                for line in
                    ["error: ", "state now:   as it was", "next:        plug the probe in", "exit code:   14"]
                {
                    assert!(err.contains(line), "{what}: {line}? {err}");
                }
            }
        }
        let done = run(&bench, probe);
        assert_eq!(done.exit, Exit::Done, "{probe}: {}", done.err);
        assert!(done.err.contains("CLOSED") || done.out.contains("CLOSED"), "{}{}", done.out, done.err);
    }
}

/// The last packets of a command belong to the closing of its session.
#[test]
fn a_probe_that_fails_on_closing_is_told_as_what_happened_behind_the_work() {
    for probe in PROBES {
        let told = |n: u32| tool(&["discover", "--probe", &format!("sim:h562,{probe},unplug={n}")]);
        let mut failed = (1..).map(told).take_while(|done| done.exit != Exit::Done);
        let last = failed.by_ref().last().expect("it fails while there are packets");
        assert_eq!(last.exit, Exit::Probe, "{probe}: {}", last.err);
        for line in [
            "closing the session: ",
            "state now:   what the command did to the part stands",
            "plug the probe in",
        ] {
            assert!(last.err.contains(line), "{probe}: {line}? {}", last.err);
        }
        assert!(!last.err.contains("before anything was asked"), "{probe}: {}", last.err);
    }
}
