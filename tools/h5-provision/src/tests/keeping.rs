//! Records, recordings, flight recorders, output: what is kept, and what happens when it cannot be.

use super::*;

#[test]
fn a_failed_run_writes_its_flight_recorder_beside_the_trace() {
    let bench = Bench::new();
    let trace = bench.path("job.pcapng");
    let done = bench.run(&["--deadline", "100ms", "--trace", &trace]);
    assert_eq!(done.exit, Exit::Deadline);
    let flight = std::fs::read_to_string(format!("{trace}.flight.txt")).unwrap();
    assert!(flight.contains("FLASH_"), "no register has its name:\n{flight}");
    assert!(done.err.contains("flight.txt") && done.err.contains("the last accesses:"));
}

#[test]
fn every_run_leaves_one_record_and_the_chain_holds() {
    let bench = Bench::new();
    let record = bench.path("job.jsonl");
    assert_eq!(bench.run(&["--record", &record]).exit, Exit::Done);
    assert_eq!(bench.run(&["--record", &record]).exit, Exit::Done);
    assert_eq!(bench.regress(&["--record", &record]).exit, Exit::Done);
    let text = std::fs::read_to_string(&record).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    let results: Vec<_> =
        lines.iter().map(|l| (l["what"].as_str().unwrap(), l["result"].as_str().unwrap())).collect();
    assert_eq!(results, [("run", "done"), ("run", "already done"), ("regress", "done")]);
    assert_eq!(lines[0]["state"], "CLOSED (0x72)");
    assert_eq!(lines[0]["uid"], lines[1]["uid"]);
    assert_eq!(tool(&["record", "check", &record]).exit, Exit::Done);
    std::fs::write(&record, text.replacen("\"done\"", "\"fine\"", 1)).unwrap();
    assert_eq!(tool(&["record", "check", &record]).exit, Exit::Refused);
    // The chain alone would hold without its last line.
    let cut = text.trim_end().rsplit_once('\n').unwrap().0;
    std::fs::write(&record, format!("{cut}\n")).unwrap();
    let e = tool(&["record", "verify", &record]);
    assert!(e.exit == Exit::Refused && e.err.contains("taken away"), "{}", e.err);
    let board = bench.board();
    assert_eq!(bench.run(&["--record", &record]).exit, Exit::Refused);
    assert_eq!(bench.board(), board, "a run began that could not be recorded");
}

/// Takes nothing, as a full disk does.
struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn output_that_nobody_can_read_is_not_done() {
    let bench = Bench::new();
    let job = bench.path("job.toml");
    let err = Page::default();
    let mut output = Output::new(Box::new(Full), Box::new(err.clone()));
    let exit = run_with(["h5-provision", "plan", &job].iter().map(OsString::from), &mut output);
    assert_eq!(exit, Exit::Storage);
    assert!(err.text().contains("standard output"), "{}", err.text());
}

#[test]
fn a_recording_is_not_written_over_a_file_that_the_job_needs() {
    let bench = Bench::new();
    let record = bench.path("job.jsonl");
    assert_eq!(bench.run(&["--record", &record, "--until", "identify"]).exit, Exit::Done);
    for name in
        ["job.toml", "firmware.bin", "da-password.obk", "password.txt", "./job.jsonl", "job.jsonl.head"]
    {
        let path = bench.path(name);
        let before = std::fs::read(&path).unwrap();
        let done = bench.run(&["--trace", &path, "--record", &record]);
        assert_eq!(done.exit, Exit::Usage, "{name}: {}", done.err);
        assert_eq!(std::fs::read(&path).unwrap(), before, "{name}");
        if !name.contains("job.jsonl") {
            assert_eq!(bench.run(&["--record", &path]).exit, Exit::Refused, "{name}");
            assert_eq!(std::fs::read(&path).unwrap(), before, "{name}");
        }
    }
}

#[test]
fn the_flight_recorders_of_two_parts_do_not_share_a_file() {
    let bench = Bench::new();
    let record = bench.path("job.jsonl");
    let done = bench.run(&["--record", &record, "--deadline", "100ms"]);
    assert_eq!(done.exit, Exit::Deadline);
    let line = std::fs::read_to_string(&record).unwrap();
    let line: serde_json::Value = serde_json::from_str(line.trim()).unwrap();
    let uid = line["uid"].as_str().unwrap();
    assert!(Path::new(&format!("{record}.{uid}.flight.txt")).exists(), "{}", done.err);
}

/// The place of the record goes away while the part is worked on.
#[test]
fn a_record_that_is_lost_after_the_part_was_closed_has_its_own_code_and_is_shown() {
    let bench = Bench::new();
    let record = bench.path("job.jsonl");
    std::fs::create_dir(format!("{record}.head.new")).unwrap();
    let done = bench.run(&["--record", &record]);
    assert_eq!(done.exit, Exit::Storage, "{}", done.err);
    assert!(
        done.err.contains("CLOSED, proven by discovery") && done.err.contains("\"result\":\"done\""),
        "{}",
        done.err
    );
    assert!(done.err.contains("state now:   CLOSED (0x72); the run itself ended well"), "{}", done.err);
}

#[test]
fn a_record_that_cannot_be_kept_stops_a_run_before_it_begins() {
    let bench = Bench::new();
    std::fs::create_dir(bench.path("folder")).unwrap();
    let done = bench.run(&["--record", &bench.path("folder")]);
    assert_eq!(done.exit, Exit::Usage, "{}", done.err);
    assert!(done.err.contains("folder") && done.out.is_empty(), "{}", done.err);
    assert!(!Path::new(&bench.path("board.json")).exists(), "the board was touched");
}

#[test]
fn a_recording_with_masked_secrets_replays_the_job_and_refuses_another_one() {
    let bench = Bench::new();
    let trace = bench.path("job.pcapng");
    let done = bench.run(&["--trace", &trace]);
    assert_eq!(done.exit, Exit::Done, "{}", done.err);
    let replay = |journal: &str| {
        let (job, probe, journal) = (bench.path("job.toml"), format!("replay:{trace}"), bench.path(journal));
        tool(&["run", &job, "--probe", &probe, "--journal", &journal])
    };
    let again = replay("again");
    // Steps with their times; a replay has no wire to bill.
    let steps =
        |out: &str| out.lines().filter(|line| line.contains(" ms  ")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!((again.exit, steps(&again.out)), (Exit::Done, steps(&done.out)), "{}", again.err);
    assert_eq!(steps(&done.out).len(), 9, "{}", done.out);
    let mut firmware = std::fs::read(bench.path("firmware.bin")).unwrap();
    firmware[0x40] ^= 1;
    std::fs::write(bench.path("firmware.bin"), firmware).unwrap();
    let other = replay("other");
    assert_ne!(other.exit, Exit::Done);
    assert!(other.err.contains("the recording goes another way"), "{}", other.err);
}

#[test]
fn a_replay_keeps_nothing_about_the_part_that_was_recorded() {
    let bench = Bench::new();
    let trace = bench.path("job.pcapng");
    assert_eq!(bench.run(&["--trace", &trace]).exit, Exit::Done);
    let recorded = std::fs::read(&trace).unwrap();
    let (job, probe) = (bench.path("job.toml"), format!("replay:{trace}"));
    let journal = bench.path("of-replays");
    let record = bench.path("replayed.jsonl");
    for (more, says) in [
        (vec![], "--journal"),
        (vec!["--journal", &journal, "--record", &record], "--record"),
        (vec!["--journal", &journal, "--trace", &trace], "would be written over"),
    ] {
        let all = [vec!["run", &job, "--probe", &probe], more].concat();
        let done = tool(&all);
        assert_eq!(done.exit, Exit::Usage, "{all:?}: {}", done.err);
        assert!(done.err.contains(says), "{all:?}: {}", done.err);
    }
    assert!(!Path::new(&record).exists());
    assert_eq!(std::fs::read(&trace).unwrap(), recorded);
}
