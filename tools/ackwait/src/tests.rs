mod bench;
mod certificates;
mod codes;
mod guards;
mod looks;
mod part;
mod real;
mod survey;

use super::*;
use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

mod hunt;

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

fn tool(args: &[&str]) -> Done {
    let (out, err) = (Page::default(), Page::default());
    let mut output = Output::new(Box::new(out.clone()), Box::new(err.clone()));
    let exit = run_with(["ackwait"].iter().chain(args).map(OsString::from), &mut output);
    Done { exit, out: out.text(), err: err.text() }
}

/// The kinds of probes.
const PROBES: [&str; 6] =
    ["profile=hs", "profile=fs", "profile=hid", "probe=stlink-v2", "probe=stlink-v21", "probe=stlink-v3"];

/// A command with a simulated board.
fn with(scenario: &str, args: &[&str]) -> Done {
    tool(&[args, &["--probe", &format!("sim:{scenario}")]].concat())
}

/// A command on a factory-new STM32H562 that must go well.
fn done(args: &[&str]) -> String {
    let done = with("h562", args);
    assert_eq!(done.exit, Exit::Done, "{args:?}: {}", done.err);
    done.out
}

fn json(done: &Done) -> serde_json::Value {
    serde_json::from_str(&done.out).unwrap_or_else(|e| panic!("{e}: {}", done.out))
}

#[test]
fn info_names_probe_debug_port_access_ports_core_and_part_on_every_probe() {
    for probe in PROBES {
        let done = with(&format!("h562,{probe}"), &["info"]);
        assert_eq!(done.exit, Exit::Done, "{probe}: {}", done.err);
        for text in [
            "DPIDR     0x6ba02477",
            "AP0       0x54770002",
            "AP1       0x84770001",
            "Cortex-M33 r0p4",
            "DEV_ID 0x484",
            "OPEN (0xED)",
        ] {
            assert!(done.out.contains(text), "{probe}: no {text} in\n{}", done.out);
        }
    }
}

#[test]
fn info_as_json_has_a_schema_and_numbers() {
    let all = json(&with("h562", &["info", "--format", "json"]));
    assert_eq!(all["schema"], "ackwait.info/1");
    assert_eq!((&all["dpidr"], &all["core_ap"]), (&0x6BA0_2477_u32.into(), &1.into()));
    assert_eq!(all["part"]["state"], "OPEN (0xED)");
    assert_eq!(all["access_ports"][0]["device_en"], true);
}

#[test]
fn registers_go_by_name_and_writes_show_old_and_new() {
    assert_eq!(done(&["dp", "read", "dpidr"]).split_whitespace().nth(1), Some("0x6BA0_2477"));
    assert_eq!(done(&["ap", "write", "tar", "0x20000000"]), "AP1 TAR  0x0000_0000 -> 0x2000_0000\n");
    assert!(done(&["dp", "write", "ctrl/stat", "0x5000_0000"]).contains("(wrote 0x5000_0000)"));
    assert!(
        done(&["mem", "write", "0x2000_0000", "1", "2"]).contains("0x2000_0004  0x0000_0000 -> 0x0000_0002")
    );
    let option = done(&["mem", "write", "DEMCR", "0x0100_0001"]);
    assert!(option.contains("VC_CORERESET 0x0 -> 0x1, TRCENA 0x0 -> 0x1"), "{option}");
}

#[test]
fn what_reading_changes_is_not_looked_at_unasked() {
    let dhcsr = done(&["mem", "write", "DHCSR", "0xA05F_0001"]);
    assert!(dhcsr.contains("not looked at") && dhcsr.contains("S_RESET_ST"), "{dhcsr}");
    for args in [["dp", "write", "SELECT", "0"], ["mem", "write", "0x4001_3824", "0"]] {
        assert!(done(&args).contains("not looked at"), "{args:?}");
    }
}

#[test]
fn files_go_to_memory_and_come_back_on_every_probe() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("image.bin");
    // Not a multiple of four, and more than one page of TAR.
    let bytes: Vec<u8> = (0..5003_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    std::fs::write(&path, &bytes).unwrap();
    let file = path.display().to_string();
    for probe in PROBES {
        let args = ["mem", "write", "0x2000_0001", "--in", &file, "--verify"];
        let done = with(&format!("h562,{probe}"), &args);
        assert_eq!(done.exit, Exit::Done, "{probe}: {}", done.err);
        assert!(
            done.err.contains("5003 bytes written to 0x2000_0001") && done.out.is_empty(),
            "{}",
            done.err
        );
    }
    let out = dir.path().join("out.bin").display().to_string();
    assert_eq!(done(&["mem", "read", "0x2000_0000", "5003", "--out", &out]), "");
    assert_eq!(std::fs::read(&out).unwrap(), vec![0; 5003]);
}

#[test]
fn memory_that_does_not_keep_what_it_is_given_is_found_by_verify() {
    let done = with("h562", &["mem", "write", "CPUID", "1", "--verify"]);
    assert_eq!(done.exit, Exit::Verify, "{}", done.err);
    assert!(done.err.contains("0xE000_ED00 holds 0x410F_D214"), "{}", done.err);
}

#[test]
fn memory_is_read_in_the_width_that_is_asked_for() {
    assert_eq!(done(&["mem", "read", "0xE000_ED02", "--width", "16"]), "0xE000_ED02  0x410F\n");
    assert_eq!(done(&["mem", "read", "0xE000_ED03"]), "0xE000_ED03  0x41\n");
    let all = json(&with("h562", &["mem", "read", "CPUID", "--format", "json"]));
    assert_eq!(all["values"][0]["value"], 0x410F_D214_u32);
    assert_eq!(all["values"][0]["fields"]["PartNo"]["name"], "Cortex-M33");
}

#[test]
fn the_core_can_be_halted_looked_at_and_let_go() {
    for probe in PROBES {
        let scenario = format!("h562,{probe}");
        let halted = with(&scenario, &["core", "halt"]);
        assert!(
            halted.out.contains("is halted") && halted.out.contains("S_HALT=1"),
            "{probe}: {}",
            halted.out
        );
        let regs = with(&scenario, &["core", "regs", "--connect", "under-reset"]);
        assert!(
            regs.out.contains("PC ") && regs.out.contains("SPECIAL"),
            "{probe}: {} {}",
            regs.out,
            regs.err
        );
        let set = with(&scenario, &["core", "set", "r3", "7", "--connect", "normal"]);
        assert_eq!(set.out, "R3  0x0000_0000 -> 0x0000_0007\n", "{probe}: {}", set.err);
        assert_eq!(with(&scenario, &["core", "run"]).exit, Exit::Done);
    }
}

#[test]
fn registers_of_a_running_core_are_refused_instead_of_halting_it() {
    let done = with("h562", &["core", "regs"]);
    assert_eq!(done.exit, Exit::Refused);
    assert!(done.err.contains("ackwait core halt"), "{}", done.err);
}

#[test]
fn each_kind_of_reset_is_seen_to_happen() {
    for probe in PROBES {
        for args in [
            &["reset"][..],
            &["reset", "--halt"],
            &["reset", "--kind", "sys"],
            &["reset", "--kind", "sys", "--halt"],
        ] {
            let done = with(&format!("h562,{probe}"), args);
            assert_eq!(done.exit, Exit::Done, "{probe} {args:?}: {}", done.err);
        }
    }
}

#[test]
fn watching_stops_at_the_value_and_says_what_is_there_when_it_never_comes() {
    let there = done(&["mem", "watch", "FLASH_NSSR", "--mask", "1", "--value", "0"]);
    assert!(there.contains("FLASH_NSSR: reads 0x0000_0000"), "{there}");
    for probe in PROBES {
        let args = ["mem", "watch", "FLASH_NSSR", "--mask", "1", "--value", "1", "--reads", "50"];
        let never = with(&format!("h562,{probe}"), &args);
        assert_eq!(never.exit, Exit::TargetBusy, "{probe}");
        assert!(never.err.contains("in 50 looks; it reads 0x0000_0000"), "{probe}: {}", never.err);
        let watched = with(&format!("h562,{probe}"), &["mem", "watch", "0x2000_0000", "--reads", "300"]);
        assert!(watched.out.contains("300 reads, 1 value"), "{probe}: {}", watched.out);
    }
}

#[test]
fn samples_of_the_program_counter_are_counted_by_place() {
    let all = json(&with("h562", &["core", "pcsample", "-n", "64", "--format", "json"]));
    let counts: u64 = all["places"].as_array().unwrap().iter().map(|p| p["count"].as_u64().unwrap()).sum();
    assert_eq!((counts, &all["samples"]), (64, &64.into()));
}

#[test]
fn hotplug_commands_that_only_look_write_no_memory() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("t.pcapng").display().to_string();
    let looks: [&[&str]; 6] = [
        &["info"],
        &["dp", "read", "CTRL/STAT"],
        &["ap", "read", "CSW"],
        &["mem", "read", "0x2000_0000", "4k"],
        &["mem", "watch", "FLASH_NSSR", "--reads", "500"],
        &["core", "status"],
    ];
    for args in looks {
        let all = [args, &["--trace", &trace, "--probe", "sim:h562"]].concat();
        assert_eq!(tool(&all).exit, Exit::Done, "{args:?}");
        let (mut out, mut err) = (Vec::new(), Vec::new());
        assert_eq!(swdtrace::run(["swdtrace", "show", "--level", "3", &trace], &mut out, &mut err), 0);
        let shown = String::from_utf8(out).unwrap();
        let written = shown
            .lines()
            .find(|line| line.contains(" write ") && line.contains("0x") && line.contains("AP1 0x"));
        assert_eq!(written, None, "{args:?}");
        assert!(shown.lines().count() > 10, "{shown}");
    }
}

#[test]
fn each_way_to_fail_has_its_exit_code_and_says_what_to_do_next() {
    let cases: [(&str, &[&str], Exit); 9] = [
        ("h562", &["mem", "read", "0x9000_0000"], Exit::Fault),
        ("h562", &["mem", "read", "0x2000_0000", "--ap", "3"], Exit::ApClosed),
        ("h562", &["mem", "read", "NOBODY"], Exit::Usage),
        ("h562", &["dp", "read", "NOBODY"], Exit::Usage),
        ("h562,noack=30", &["mem", "read", "0x2000_0000", "64k"], Exit::LinkLost),
        ("h562,parity=100", &["mem", "read", "0x2000_0000", "64k"], Exit::LinkLost),
        ("h562,unplug=30", &["mem", "read", "0x2000_0000", "64k"], Exit::Probe),
        ("h562,lost=30", &["mem", "read", "0x2000_0000", "64k"], Exit::Probe),
        ("h562,wait=25:4000000000", &["mem", "read", "0x2000_0000"], Exit::ApBusy),
    ];
    for (scenario, args, exit) in cases {
        let done = with(scenario, args);
        assert_eq!(done.exit, exit, "{scenario} {args:?}: {}", done.err);
        assert!(done.err.contains("next:"), "{}", done.err);
        assert!(done.out.is_empty(), "{}", done.out);
    }
    let none = tool(&["info", "--probe", "no-such-serial"]);
    assert_eq!(none.exit, Exit::NoProbe);
    assert!(none.err.contains("ackwait list"), "{}", none.err);
    assert_eq!(tool(&["mem", "fly"]).exit, Exit::Usage);
}

#[test]
fn an_error_as_json_stands_on_standard_output_too() {
    let done = with("h562", &["mem", "read", "0x9000_0000", "--format", "json"]);
    let all = json(&done);
    assert_eq!(all["schema"], "ackwait.error/1");
    assert_eq!(all["error"]["code"], Exit::Fault.code());
    assert!(!all["error"]["evidence"].as_array().unwrap().is_empty());
}

#[test]
fn ctrl_c_stops_at_a_safe_point() {
    let mut output = Output::new(Box::new(Page::default()), Box::new(Page::default()));
    output.stop.store(true, std::sync::atomic::Ordering::Relaxed);
    let args = ["ackwait", "mem", "read", "0x2000_0000", "256k", "--probe", "sim:h562"];
    assert_eq!(run_with(args.map(OsString::from), &mut output), Exit::Interrupted);
}

#[test]
fn output_that_cannot_be_written_is_an_error_and_a_reader_that_left_is_none() {
    struct Full(io::ErrorKind);
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    for (kind, exit) in [(io::ErrorKind::StorageFull, Exit::Bug), (io::ErrorKind::BrokenPipe, Exit::Done)] {
        let mut output = Output::new(Box::new(Full(kind)), Box::new(Page::default()));
        assert_eq!(run_with(["ackwait", "exit-codes"].map(OsString::from), &mut output), exit);
    }
}

#[test]
fn auto_says_which_access_port_it_chose_and_a_named_one_is_taken_as_it_is() {
    let auto = with("h562", &["ap", "read", "IDR"]);
    assert!(auto.out.starts_with("AP1") && auto.err.contains("AP1 (auto"), "{}", auto.err);
    let named = with("h562", &["ap", "read", "IDR", "--ap", "0"]);
    assert!(named.out.starts_with("AP0") && named.err.is_empty(), "{}", named.err);
}

#[test]
fn policies_are_shown_compared_and_set() {
    assert!(done(&["policy", "show"]).contains("probe.wait"));
    assert!(done(&["policy", "diff", "default"]).contains("are the same"));
    let diff = done(&["policy", "diff", "--policy", "openocd", "--set", "flash.obk=9s"]);
    assert!(diff.contains("flash.obk") && diff.contains("-> 64x"), "{diff}");
    assert_eq!(with("h562", &["policy", "show", "--set", "no.key=1"]).exit, Exit::Usage);
}

#[test]
fn completions_and_exit_codes_need_no_probe() {
    assert!(tool(&["completions", "bash"]).out.contains("ackwait"));
    assert!(tool(&["exit-codes"]).out.contains("wait-spent"));
    assert_eq!(json(&tool(&["list", "--format", "json"]))["schema"], "ackwait.list/1");
}

#[test]
fn the_help_is_the_first_page_and_that_of_a_command_its_own() {
    for args in [&["--help"][..], &["-h"]] {
        assert!(tool(args).out.contains("doctor hunt survey"));
    }
    let own = tool(&["flash", "program", "--help"]).out;
    assert!(own.contains("--pace") && own.contains("`ackwait --help`") && !own.contains("--policy"), "{own}");
    assert_eq!(tool(&["flash", "program", "--policy", "x"]).exit, Exit::Usage);
}

/// The manual pages of all commands are written, and groff finds nothing wrong with them.
#[test]
fn every_command_has_a_manual_page_that_groff_takes_without_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().display().to_string();
    assert_eq!(tool(&["man", "--out", &out]).exit, Exit::Done);
    let pages: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|page| page.unwrap().path()).collect();
    let names: Vec<_> = pages.iter().map(|page| page.file_stem().unwrap().to_str().unwrap()).collect();
    for command in cli::help::command().get_subcommands() {
        let name = format!("ackwait-{}", command.get_name());
        assert!(names.contains(&name.as_str()), "{name} is not among {names:?}");
    }
    let text = std::fs::read_to_string(folder.path().join("ackwait.1")).unwrap();
    assert!(
        text.contains("policy") && text.contains("connect"),
        "the options that all commands have: {text}"
    );
    for page in pages {
        let groff = ["-man", "-Tutf8", "-ww", "-z", page.to_str().unwrap()];
        match std::process::Command::new("groff").args(groff).output() {
            Ok(done) => {
                let said = String::from_utf8_lossy(&done.stderr).into_owned();
                assert!(done.status.success() && said.is_empty(), "{}: {said}", page.display());
            }
            Err(e) => return println!("skipped: groff does not run: {e}"),
        }
    }
}

#[test]
fn every_shell_has_completions_that_know_every_command() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = tool(&["completions", shell]).out;
        for command in cli::help::command().get_subcommands() {
            assert!(script.contains(command.get_name()), "{shell}: {}", command.get_name());
        }
        assert!(script.contains("policy") && script.contains("connect"), "{shell}");
    }
}
