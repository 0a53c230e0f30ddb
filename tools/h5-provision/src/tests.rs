mod codes;
mod keeping;
mod opening;

use super::*;
use std::cell::RefCell;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::Ordering;

/// A stream that can be read afterwards.
#[derive(Clone, Default)]
struct Page(Rc<RefCell<Vec<u8>>>);

impl Page {
    fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }
}

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a command came to.
struct Done {
    exit: Exit,
    out: String,
    err: String,
}

fn output() -> (Output, Page, Page) {
    let (out, err) = (Page::default(), Page::default());
    (Output::new(Box::new(out.clone()), Box::new(err.clone())), out, err)
}

fn tool(args: &[&str]) -> Done {
    let (mut output, out, err) = output();
    let exit = run_with(["h5-provision"].iter().chain(args).map(OsString::from), &mut output);
    Done { exit, out: out.text(), err: err.text() }
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/h562")
}

/// A bench: a folder with a copy of the example, a board that keeps its cells, journals.
struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Bench {
        let dir = tempfile::tempdir().unwrap();
        for name in ["job.toml", "firmware.bin", "da-password.obk", "password.txt"] {
            std::fs::copy(examples().join(name), dir.path().join(name)).unwrap();
        }
        let bench = Bench { dir };
        bench.private("password.txt");
        bench
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    fn write(&self, name: &str, bytes: &[u8]) -> String {
        std::fs::write(self.path(name), bytes).unwrap();
        self.private(name);
        self.path(name)
    }

    fn private(&self, name: &str) {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(self.path(name), mode).unwrap();
        }
    }

    fn edit(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path("job.toml")).unwrap();
        assert!(text.contains(from), "{from} is not in the job");
        std::fs::write(self.path("job.toml"), text.replace(from, to)).unwrap();
    }

    fn probe(&self) -> String {
        format!("sim:h562,state={}", self.path("board.json"))
    }

    fn with(&self, command: &str, more: &[&str]) -> Done {
        let (job, probe, journal) = (self.path("job.toml"), self.probe(), self.path("journal"));
        let args = [command, &job, "--probe", &probe, "--journal", &journal];
        tool(&[&args[..], more].concat())
    }

    fn run(&self, more: &[&str]) -> Done {
        self.with("run", more)
    }

    fn regress(&self, more: &[&str]) -> Done {
        self.with("regress", more)
    }

    fn board(&self) -> Vec<u8> {
        std::fs::read(self.path("board.json")).unwrap()
    }
}

#[test]
fn the_example_closes_a_simulated_part_and_a_second_run_writes_nothing() {
    let bench = Bench::new();
    let done = bench.run(&[]);
    assert_eq!(done.exit, Exit::Done, "{}", done.err);
    assert!(done.out.trim_end().ends_with("CLOSED, proven by discovery"), "{}", done.out);
    for step in
        ["identify", "preflight", "flash", "options", "provisioning", "obk", "discover", "close", "prove"]
    {
        assert!(done.out.lines().any(|l| l.starts_with(step)), "{step} is not in:\n{}", done.out);
    }
    let board = bench.board();
    let again = bench.run(&[]);
    assert_eq!(again.exit, Exit::Done, "{}", again.err);
    assert!(again.out.contains("already done"), "{}", again.out);
    assert_eq!(bench.board(), board, "the second run changed the board");
}

#[test]
fn a_regression_opens_the_part_and_a_wrong_password_leaves_it_as_it_is() {
    let bench = Bench::new();
    assert_eq!(bench.run(&[]).exit, Exit::Done);
    let board = bench.board();
    let wrong = bench.write("wrong.txt", b"not-the-word");
    let refused = bench.regress(&["--password-file", &wrong]);
    assert_eq!(refused.exit, Exit::Authentication, "{}", refused.err);
    assert_eq!(bench.board(), board);
    assert!(refused.err.contains("state now:   CLOSED (0x72)"), "{}", refused.err);
    let open = bench.regress(&[]);
    assert_eq!(open.exit, Exit::Done, "{}", open.err);
    assert!(open.out.contains("OPEN (0xED), flash erased"), "{}", open.out);
    let again = bench.regress(&[]);
    assert!(again.exit == Exit::Done && again.out.contains("already done, OPEN"), "{}", again.out);
}

#[test]
fn a_regression_needs_no_job() {
    let bench = Bench::new();
    assert_eq!(bench.run(&[]).exit, Exit::Done);
    let (probe, journal, password) = (bench.probe(), bench.path("journal"), bench.path("password.txt"));
    let args = ["regress", "--family", "h562", "--probe", &probe, "--journal", &journal];
    assert_eq!(tool(&args).exit, Exit::Usage, "without a password file");
    let done = tool(&[&args[..], &["--password-file", &password]].concat());
    assert_eq!(done.exit, Exit::Done, "{}", done.err);
}

#[test]
fn a_closed_part_without_its_journal_goes_into_quarantine() {
    let bench = Bench::new();
    assert_eq!(bench.run(&[]).exit, Exit::Done);
    std::fs::remove_dir_all(bench.path("journal")).unwrap();
    let done = bench.run(&[]);
    assert_eq!(done.exit, Exit::Unknown);
    assert!(done.err.contains("CLOSED is proven, its contents can't be"), "{}", done.err);
}

#[test]
fn a_run_that_stopped_half_way_goes_on_from_there() {
    for step in ["flash", "provisioning", "obk", "discover"] {
        let bench = Bench::new();
        let first = bench.run(&["--until", step]);
        assert_eq!(first.exit, Exit::Done, "{step}: {}", first.err);
        assert!(first.out.contains(&format!("stopped after {step}")));
        let second = bench.run(&[]);
        assert_eq!(second.exit, Exit::Done, "{step}: {}", second.err);
        assert!(second.out.contains("CLOSED, proven by discovery"));
    }
}

#[test]
fn asked_twice_to_stop_after_a_step_the_tool_stops_twice() {
    for step in ["options", "provisioning", "obk", "discover"] {
        let bench = Bench::new();
        for _ in 0..2 {
            let done = bench.run(&["--until", step]);
            assert_eq!(done.exit, Exit::Done, "{step}: {}", done.err);
            assert!(done.out.contains(&format!("stopped after {step}")), "{}", done.out);
        }
        let said = tool(&["discover", "--probe", &bench.probe()]);
        assert!(!said.out.contains("CLOSED"), "{step}: {}", said.out);
    }
}

/// Another station, with journals of its own, took the part back and put another credential in.
#[test]
fn a_journal_that_another_station_overtook_never_closes_a_part_with_their_credential() {
    let bench = Bench::new();
    assert_eq!(bench.run(&[]).exit, Exit::Done);
    std::fs::rename(bench.path("journal"), bench.path("ours")).unwrap();
    assert_eq!(bench.regress(&[]).exit, Exit::Done);
    let theirs = bench.write("theirs.txt", b"their-word-9");
    let obk = bench.path("theirs.obk");
    let built = tool(&["obk", "build", "--family", "h562", "--password-file", &theirs, "-o", &obk]);
    assert_eq!(built.exit, Exit::Done, "{}", built.err);
    let job = std::fs::read_to_string(bench.path("job.toml")).unwrap();
    bench.edit("da-password.obk", "theirs.obk");
    bench.edit("password.txt", "theirs.txt");
    assert_eq!(bench.run(&["--until", "obk"]).exit, Exit::Done);

    std::fs::write(bench.path("job.toml"), job).unwrap();
    std::fs::remove_dir_all(bench.path("journal")).unwrap();
    std::fs::rename(bench.path("ours"), bench.path("journal")).unwrap();
    let done = bench.run(&[]);
    assert_eq!(done.exit, Exit::Done, "{}", done.err);
    let back = bench.regress(&[]);
    assert_eq!(back.exit, Exit::Done, "closed with a password that is not the job's: {}", back.err);
}

/// The same part, still in PROVISIONING: our journal has a receipt and the ROM vouches for a credential, but it is theirs.
#[test]
fn a_credential_that_another_station_put_in_between_is_not_what_a_part_is_closed_with() {
    let bench = Bench::new();
    assert_eq!(bench.run(&["--until", "discover"]).exit, Exit::Done);
    let theirs = bench.write("theirs.txt", b"their-word-9");
    let obk = bench.path("theirs.obk");
    let built = tool(&["obk", "build", "--family", "h562", "--password-file", &theirs, "-o", &obk]);
    assert_eq!(built.exit, Exit::Done, "{}", built.err);
    let ours = std::fs::read_to_string(bench.path("job.toml")).unwrap();
    bench.edit("da-password.obk", "theirs.obk");
    bench.edit("password.txt", "theirs.txt");
    let (job, probe, journal) = (bench.path("job.toml"), bench.probe(), bench.path("elsewhere"));
    let args = ["run", &job, "--probe", &probe, "--journal", &journal, "--until", "discover"];
    assert_eq!(tool(&args).exit, Exit::Done);

    std::fs::write(&job, ours).unwrap();
    let done = bench.run(&[]);
    assert_eq!(done.exit, Exit::Done, "{}", done.err);
    let back = bench.regress(&[]);
    assert_eq!(back.exit, Exit::Done, "closed with a password that is not the job's: {}", back.err);
}

#[test]
fn a_run_without_its_journal_provisions_again_and_still_closes() {
    let bench = Bench::new();
    assert_eq!(bench.run(&["--until", "obk"]).exit, Exit::Done);
    std::fs::remove_dir_all(bench.path("journal")).unwrap();
    let done = bench.run(&[]);
    assert_eq!(done.exit, Exit::Done, "{}", done.err);
    assert!(done.out.lines().any(|l| l.starts_with("obk")), "{}", done.out);
}

#[test]
fn each_refusal_has_its_own_exit_code_and_writes_nothing() {
    type Spoil = (&'static str, fn(&Bench), Exit, &'static str);
    let spoil: [Spoil; 7] = [
        ("an 80-byte OBK", |b| drop(b.write("da-password.obk", &obk(b)[..80])), Exit::Usage, "wrong size"),
        (
            "a wrong integrity hash",
            |b| drop(b.write("da-password.obk", &flipped(b))),
            Exit::Usage,
            "integrity",
        ),
        ("another password", |b| drop(b.write("password.txt", b"another-one")), Exit::Credential, "password"),
        (
            "DoEncryption 1",
            |b| drop(b.write("da-password.obk", &encrypted(b))),
            Exit::Refused,
            "DoEncryption",
        ),
        ("no image", |b| std::fs::remove_file(b.path("firmware.bin")).unwrap(), Exit::Usage, "firmware.bin"),
        ("TrustZone on", |b| b.edit("SRAM2_RST = 0", "TZEN = \"on\""), Exit::Refused, "TrustZone"),
        ("a public sample in production", sample, Exit::Refused, "sample"),
    ];
    for (name, spoil, exit, word) in spoil {
        let bench = Bench::new();
        spoil(&bench);
        let done = bench.run(&[]);
        assert_eq!(done.exit, exit, "{name}: {}", done.err);
        assert!(done.err.contains(word), "{name}: {}", done.err);
        assert!(!Path::new(&bench.path("board.json")).exists(), "{name}: a board was touched");
    }
}

fn obk(bench: &Bench) -> Vec<u8> {
    std::fs::read(bench.path("da-password.obk")).unwrap()
}

fn flipped(bench: &Bench) -> Vec<u8> {
    let mut bytes = obk(bench);
    bytes[12] ^= 1;
    bytes
}

fn encrypted(bench: &Bench) -> Vec<u8> {
    let mut bytes = obk(bench);
    bytes[8] = 1;
    bytes
}

fn sample(bench: &Bench) {
    let password = bench.write("password.txt", b"0123456789012345");
    std::fs::remove_file(bench.path("da-password.obk")).unwrap();
    let path = bench.path("da-password.obk");
    let built = tool(&["obk", "build", "--family", "h562", "--password-file", &password, "-o", &path]);
    assert_eq!(built.exit, Exit::Done, "{}", built.err);
    bench.edit("production = false", "production = true");
}

#[test]
fn a_wrong_family_a_wrong_probe_and_a_bad_flag_have_their_codes() {
    let bench = Bench::new();
    bench.edit("STM32H562", "STM32H533");
    bench.write("da-password.obk", &encrypted(&bench));
    let done = bench.run(&[]);
    assert_eq!(done.exit, Exit::WrongDevice, "{}", done.err);
    let job = bench.path("job.toml");
    assert_eq!(tool(&["run", &job, "--probe", "no such probe"]).exit, Exit::Usage);
    assert_eq!(tool(&["run", &job]).exit, Exit::Usage);
    assert_eq!(bench.run(&["--until", "lunch"]).exit, Exit::Usage);
    assert_eq!(bench.run(&["--deadline", "soon"]).exit, Exit::Usage);
    assert_eq!(bench.run(&["--set", "flash.obc=1s"]).exit, Exit::Usage);
}

#[test]
fn an_interrupt_and_a_deadline_stop_at_a_safe_point() {
    let bench = Bench::new();
    let (mut output, _, err) = output();
    output.stop.store(true, Ordering::Relaxed);
    let (job, probe, journal) = (bench.path("job.toml"), bench.probe(), bench.path("journal"));
    let args = ["h5-provision", "run", &job, "--probe", &probe, "--journal", &journal];
    assert_eq!(run_with(args.iter().map(OsString::from), &mut output), Exit::Interrupted);
    assert!(err.text().contains("safe point"), "{}", err.text());
    let late = bench.run(&["--deadline", "100ms"]);
    assert_eq!(late.exit, Exit::Deadline, "{}", late.err);
    assert_eq!(bench.run(&[]).exit, Exit::Done);
}

#[test]
fn a_plan_for_a_part_with_trust_zone_on_refuses_what_a_run_would() {
    let bench = Bench::new();
    let job = std::fs::read_to_string(bench.path("job.toml")).unwrap();
    let open =
        "schema = 1\n[device]\nfamily = \"h562\"\n[option_bytes]\nTZEN = \"on\"\n[goal]\nstate = \"OPEN\"\n";
    std::fs::write(bench.path("job.toml"), open).unwrap();
    assert_eq!(bench.run(&[]).exit, Exit::Done);
    std::fs::write(bench.path("job.toml"), job).unwrap();
    let board = bench.board();
    let plan = tool(&["plan", &bench.path("job.toml"), "--probe", &bench.probe()]);
    let run = bench.run(&[]);
    assert_eq!((plan.exit, run.exit), (Exit::Refused, Exit::Refused), "{}{}", plan.err, run.err);
    assert_eq!(bench.board(), board);
}

/// What a run believes of TrustZone follows its own option change: else the plan and the run would go different ways.
#[test]
fn a_job_that_switches_trust_zone_off_puts_the_credential_in_by_the_route_of_its_plan() {
    let bench = Bench::new();
    let job = std::fs::read_to_string(bench.path("job.toml")).unwrap();
    let open =
        "schema = 1\n[device]\nfamily = \"h562\"\n[option_bytes]\nTZEN = \"on\"\n[goal]\nstate = \"OPEN\"\n";
    std::fs::write(bench.path("job.toml"), open).unwrap();
    assert_eq!(bench.run(&[]).exit, Exit::Done);
    std::fs::write(bench.path("job.toml"), job + "[steps.options]\nreset_after = \"hardware\"\n").unwrap();
    bench.edit("SRAM2_RST = 0", "TZEN = \"off\"");
    let plan = tool(&["plan", &bench.path("job.toml"), "--probe", &bench.probe()]);
    assert!(plan.out.contains("TrustZone on") && plan.out.contains("route: direct"), "{}", plan.out);
    let done = bench.run(&[]);
    assert_eq!(done.exit, Exit::Done, "{}", done.err);
    assert!(done.out.contains("by the direct route"), "{}", done.out);
}

#[cfg(unix)]
#[test]
fn a_password_may_come_from_a_pipe() {
    let bench = Bench::new();
    assert_eq!(bench.run(&[]).exit, Exit::Done);
    let pipe = bench.path("pipe");
    let made = std::process::Command::new("mkfifo").args(["-m", "600", &pipe]).status();
    assert!(made.unwrap().success());
    let password = std::fs::read(bench.path("password.txt")).unwrap();
    let writer = {
        let pipe = pipe.clone();
        std::thread::spawn(move || std::fs::write(pipe, password))
    };
    let done = bench.regress(&["--password-file", &pipe]);
    assert_eq!(done.exit, Exit::Done, "{}", done.err);
    writer.join().unwrap().unwrap();
}

#[test]
fn no_secret_leaves_the_tool() {
    let bench = Bench::new();
    let (record, trace) = (bench.path("job.jsonl"), bench.path("job.pcapng"));
    let done = bench.run(&["--record", &record, "--trace", &trace]);
    let back = bench.regress(&["--record", &record, "--trace", &bench.path("back.pcapng")]);
    let plan = tool(&["plan", &bench.path("job.toml")]);
    let inspect = tool(&["obk", "inspect", &bench.path("da-password.obk")]);
    let mut all = Vec::new();
    for page in [&done, &back, &plan, &inspect] {
        assert_eq!(page.exit, Exit::Done, "{}", page.err);
        all.extend(page.out.bytes().chain(page.err.bytes()));
    }
    for name in ["job.jsonl", "job.pcapng", "back.pcapng"] {
        all.extend(std::fs::read(bench.path(name)).unwrap());
    }
    for journal in std::fs::read_dir(bench.path("journal")).unwrap() {
        all.extend(std::fs::read(journal.unwrap().path()).unwrap());
    }
    let password = std::fs::read(bench.path("password.txt")).unwrap();
    let password = password.trim_ascii_end();
    let obk = obk(&bench);
    let hash = &obk[12 + 32..12 + 64];
    let has = |secret: &[u8]| all.windows(secret.len()).any(|w| w == secret);
    let hex = |bytes: &[u8]| provision::text::hex(bytes).into_bytes();
    let swapped = |bytes: &[u8]| bytes.chunks(4).flat_map(|w| w.iter().rev().copied()).collect::<Vec<u8>>();
    for (name, secret) in [("password", password), ("its hash", hash)] {
        assert!(!has(secret), "{name} raw");
        assert!(!has(&hex(secret)), "{name} in hex");
        assert!(!has(&swapped(secret)), "{name} as words");
        assert!(!has(&hex(&swapped(secret))), "{name} as words in hex");
        // Any two words in a row would be enough to notice.
        assert!(secret.windows(8).all(|part| !has(part)), "a part of {name}");
    }
    assert!(has(b"CLOSED"), "the search looked at nothing");
}

#[test]
fn json_is_one_object_a_line_with_the_same_story() {
    let bench = Bench::new();
    let done = bench.run(&["--format", "json"]);
    let lines: Vec<serde_json::Value> = done.out.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.first().unwrap()["event"], "begin");
    let end = lines.last().unwrap();
    assert_eq!((&end["event"], &end["result"], &end["exit"]), (&"end".into(), &"done".into(), &0.into()));
    assert_eq!(lines.iter().filter(|l| l["event"] == "step").count(), 9);
}

#[test]
fn a_plan_touches_nothing_and_a_live_plan_only_reads() {
    let bench = Bench::new();
    let job = bench.path("job.toml");
    let plan = tool(&["plan", &job]);
    assert_eq!(plan.exit, Exit::Done, "{}", plan.err);
    assert!(plan.out.contains("IRREVERSIBLE without the password"), "{}", plan.out);
    assert!(!Path::new(&bench.path("board.json")).exists());
    assert_eq!(bench.run(&["--until", "provisioning"]).exit, Exit::Done);
    let board = bench.board();
    let live = tool(&["plan", &job, "--probe", &bench.probe(), "--format", "json"]);
    assert_eq!(live.exit, Exit::Done, "{}", live.err);
    let plan: serde_json::Value = serde_json::from_str(live.out.trim()).unwrap();
    assert!(plan["from"].as_str().unwrap().contains("PROVISIONING (0x17)"), "{plan}");
    assert_eq!(bench.board(), board);
}

#[test]
fn the_ways_of_working_all_close_a_part_without_a_usb_cable() {
    for way in ["reset-halt", "hotplug", "nrst-around-obk"] {
        let bench = Bench::new();
        let job = examples().join(format!("ways/{way}.toml")).display().to_string();
        let (probe, journal) = (bench.probe(), bench.path("journal"));
        let done = tool(&["run", &job, "--probe", &probe, "--journal", &journal]);
        assert_eq!(done.exit, Exit::Done, "{way}: {}", done.err);
    }
}

#[test]
fn with_a_live_usb_cable_the_halting_way_names_register_time_polls_and_key() {
    for mechanism in ["halted-owner", "slow-service"] {
        let bench = Bench::new();
        let job = examples().join("ways/reset-halt.toml").display().to_string();
        let probe = format!("{},usb=data,rom.usb={mechanism}", bench.probe());
        let journal = bench.path("journal");
        let done = tool(&["run", &job, "--probe", &probe, "--journal", &journal]);
        assert_eq!(done.exit, Exit::ObkTimeout, "{mechanism}: {}", done.err);
        for evidence in
            ["obk failed after", "FLASH_NSSR at 0x4002_2020", "BSY=1", "250 tries (flash.obk = 250x)"]
        {
            assert!(done.err.contains(evidence), "{evidence} is not in:\n{}", done.err);
        }
        assert!(done.err.contains("state now:   PROVISIONING (0x17)"), "{}", done.err);
    }
}

#[test]
fn provisioning_files_can_be_made_looked_at_and_checked() {
    let bench = Bench::new();
    let (password, file) = (bench.write("pw", b"a-word-of-12"), bench.path("new.obk"));
    let build = ["obk", "build", "--family", "h573", "--password-file", &password, "-o", &file];
    assert_eq!(tool(&build).exit, Exit::Done);
    assert_eq!(tool(&build).exit, Exit::Storage, "an existing file is not written over");
    let inspect = tool(&["obk", "inspect", &file]);
    assert!(inspect.out.contains("DA_Config") && inspect.out.contains("Full Regression"), "{}", inspect.out);
    let lint = |family: &str| tool(&["obk", "lint", &file, "--family", family, "--password-file", &password]);
    assert_eq!(lint("h562").exit, Exit::Refused, "DoEncryption is 1 for H573");
    let wrong = bench.write("pw2", b"another-word");
    let lint = tool(&["obk", "lint", &file, "--family", "h573", "--password-file", &wrong]);
    assert_eq!(lint.exit, Exit::Credential, "{}", lint.out);
}

#[test]
fn discover_works_on_a_closed_part() {
    let bench = Bench::new();
    assert_eq!(bench.run(&[]).exit, Exit::Done);
    let done = tool(&["discover", "--probe", &bench.probe()]);
    assert_eq!(done.exit, Exit::Done, "{}", done.err);
    assert!(done.out.contains("CLOSED (0x72)") && done.out.contains("0xEAEA_EAEA"), "{}", done.out);
}

#[test]
fn exit_codes_and_policy_are_shown() {
    let codes = tool(&["exit-codes"]);
    assert_eq!(codes.out.lines().count(), Exit::ALL.len());
    assert!(codes.out.contains(" 44  authentication"), "{}", codes.out);
    let policy = tool(&["policy", "show", "--preset", "openocd"]);
    assert!(policy.out.contains("probe.wait") && policy.out.contains("64x"), "{}", policy.out);
    assert_eq!(tool(&["policy", "show", "--preset", "jlink"]).exit, Exit::Usage);
}

#[test]
fn the_help_goes_to_standard_output_and_a_mistake_to_standard_error() {
    let help = tool(&["--help"]);
    assert!(help.exit == Exit::Done && help.out.contains("regress") && help.err.is_empty());
    let mistake = tool(&["ruin"]);
    assert!(mistake.exit == Exit::Usage && mistake.out.is_empty() && mistake.err.contains("ruin"));
}
