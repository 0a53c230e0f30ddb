use crate::run;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// A device as the system lists it.
fn plug(folder: &TempDir, name: &str, facts: &[(&str, &str)]) {
    for (file, text) in facts {
        let path = folder.path().join("sys").join(name).join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("{text}\n")).unwrap();
    }
}

fn probe(folder: &TempDir, address: &str) {
    let facts = [
        ("busnum", "3"),
        ("devnum", address),
        ("idVendor", "c251"),
        ("idProduct", "f001"),
        ("product", "Mine"),
    ];
    let name = format!("3-{address}");
    plug(folder, &name, &facts);
    plug(folder, &format!("{name}/{name}:1.0"), &[("interface", "My CMSIS-DAP v2")]);
}

/// What the kernel's monitor would give: one exchange of device 3.7.
fn monitor(folder: &TempDir) {
    let record = |event: u8, endpoint: u8, data: &[u8]| {
        let mut bytes = vec![endpoint, 0, 0, 0, 0, 0, 0, 0, event, 3, endpoint, 7, 3, 0, b'-', 0];
        bytes.extend(1_790_000_000u64.to_le_bytes());
        bytes.extend([0; 8]);
        bytes.extend([data.len() as u8, 0, 0, 0, data.len() as u8, 0, 0, 0]);
        bytes.extend([0; 8]);
        bytes.extend(data);
        bytes
    };
    let answer = [5, 1, 1, 0x77, 0x24, 0xA0, 0x6B];
    let records = [
        record(b'S', 4, &[5, 0, 1, 2]),
        record(b'C', 4, &[]),
        record(b'S', 0x85, &[]),
        record(b'C', 0x85, &answer),
    ];
    fs::create_dir_all(folder.path().join("dev")).unwrap();
    fs::write(folder.path().join("dev/usbmon3"), records.concat()).unwrap();
}

fn record(folder: &TempDir, more: &[&str], command: &[&str]) -> (u8, String) {
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (file, sys, dev) = (path("out.pcapng"), path("sys"), path("dev"));
    let head = ["swdtrace", "record", "-o", &file, "--sysfs", &sys, "--monitors", &dev];
    let mut err = Vec::new();
    let code = run([&head, more, &["--"], command].concat(), &mut Vec::new(), &mut err);
    (code, String::from_utf8(err).unwrap())
}

fn shown(file: &Path) -> String {
    let mut out = Vec::new();
    run(["swdtrace", "show", file.to_str().unwrap()], &mut out, &mut Vec::new());
    String::from_utf8(out).unwrap()
}

#[test]
fn what_the_kernel_sees_of_the_probe_is_recorded_and_the_exit_code_is_the_commands() {
    let folder = TempDir::new().unwrap();
    probe(&folder, "7");
    plug(
        &folder,
        "3-1",
        &[
            ("busnum", "3"),
            ("devnum", "2"),
            ("idVendor", "046d"),
            ("idProduct", "c077"),
            ("product", "Mouse"),
        ],
    );
    monitor(&folder);
    let (code, err) = record(&folder, &[], &["sh", "-c", "exit 5"]);
    assert_eq!(code, 5, "{err}");
    assert!(err.contains("4 records of Mine (c251:f001)") && err.contains("swdtrace redact"), "{err}");
    let text = shown(&folder.path().join("out.pcapng"));
    assert!(text.contains("# tool: sh\n") && text.contains("DPIDR read 0x6BA0_2477"), "{text}");
    assert!(!text.contains("exit 5"), "arguments may be secret: {text}");
}

#[test]
fn our_own_tools_are_told_where_to_record() {
    let folder = TempDir::new().unwrap();
    let tool = folder.path().join("ackwait");
    fs::write(&tool, "#!/bin/sh\nprintf %s \"$ACKWAIT_TRACE\" >\"$1\"\nkill -TERM $$\n").unwrap();
    fs::set_permissions(&tool, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let said = folder.path().join("said");
    fs::write(folder.path().join("out.pcapng"), "the recording before").unwrap();
    let (code, err) = record(&folder, &["--force"], &[tool.to_str().unwrap(), said.to_str().unwrap()]);
    assert_eq!((code, err.as_str()), (128 + 15, "swdtrace: warning: the command recorded nothing\n"));
    assert_eq!(fs::read_to_string(said).unwrap(), folder.path().join("out.pcapng").display().to_string());
}

#[test]
fn what_is_missing_is_said_with_what_to_type_and_nothing_is_run() {
    let folder = TempDir::new().unwrap();
    let ran = folder.path().join("ran");
    let command = ["touch", ran.to_str().unwrap()];
    let (code, err) = record(&folder, &[], &command);
    assert_eq!(code, 2);
    assert!(
        err.contains("no CMSIS-DAP, ST-Link or J-Link is plugged in") && err.contains("--device"),
        "{err}"
    );
    probe(&folder, "7");
    let (code, err) = record(&folder, &[], &command);
    assert_eq!(code, 2);
    assert!(err.contains("sudo modprobe usbmon") && err.contains("nothing was run"), "{err}");
    probe(&folder, "8");
    let (code, err) = record(&folder, &[], &command);
    assert_eq!(code, 2);
    assert!(err.contains("--device 3.7") && err.contains("--device 3.8"), "{err}");
    let (_, err) = record(&folder, &["--device", "3.9"], &command);
    assert!(err.contains("no device 3.9"), "{err}");
    assert!(!ran.exists());
}

#[test]
fn records_that_the_kernel_lost_are_told_and_have_their_own_exit_code() {
    let folder = TempDir::new().unwrap();
    probe(&folder, "7");
    monitor(&folder);
    let counts = folder.path().join("counts");
    fs::create_dir_all(&counts).unwrap();
    let count = |events: u32| format!("nreaders 1 events {events} text_lost 0\n");
    fs::write(counts.join("3s"), count(100)).unwrap();
    // Meanwhile nine events happen on the bus, of which four are given.
    let more = ["--force", "--counts", counts.to_str().unwrap()];
    let later = format!("printf '{}' >{}", count(109).replace('\n', "\\n"), counts.join("3s").display());
    let (code, err) = record(&folder, &more, &["sh", "-c", &later]);
    assert_eq!(code, 61, "{err}");
    assert!(err.contains("the kernel lost 5 records of the bus at least"), "{err}");
    assert_eq!(
        record(&folder, &more, &["sh", "-c", "exit 7"]).0,
        7,
        "no events at all, and the command's own code"
    );
    let (_, err) = record(&folder, &more, &["sh", "-c", &later.replace("109", "118")]);
    let file = folder.path().join("out.pcapng").display().to_string();
    let (mut out, mut err_of_show) = (Vec::new(), Vec::new());
    assert_eq!(run(["swdtrace", "show", &file], &mut out, &mut err_of_show), 61, "{err}");
    let told = String::from_utf8(err_of_show).unwrap();
    assert!(
        told.contains("the recorder lost 5 records at least, of which only 0 have a known place"),
        "{told}"
    );
}

#[test]
fn an_old_recording_is_never_taken_for_a_new_one() {
    let folder = TempDir::new().unwrap();
    let output = folder.path().join("out.pcapng");
    let ran = folder.path().join("ran");
    fs::write(&output, "old").unwrap();
    probe(&folder, "7");
    monitor(&folder);
    let (code, err) = record(&folder, &[], &["touch", ran.to_str().unwrap()]);
    assert!(code == 2 && err.contains("is there already: --force overwrites it; nothing was run"), "{err}");
    assert_eq!((fs::read(&output).unwrap().as_slice(), ran.exists()), (&b"old"[..], false));
    assert_eq!(record(&folder, &["--force"], &["/nonexistent/tool"]).0, 2);
    assert!(!output.exists(), "there is no recording of what never ran");
    // One of ours that records nothing.
    let tool = folder.path().join("ackwait");
    fs::write(&tool, "#!/bin/sh\n").unwrap();
    fs::set_permissions(&tool, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    fs::write(&output, "old").unwrap();
    let (code, err) = record(&folder, &["--force"], &[tool.to_str().unwrap()]);
    assert!(code == 0 && err.contains("the command recorded nothing"), "{err}");
    assert!(!output.exists());
}

#[test]
fn a_command_that_is_not_there_is_named() {
    let folder = TempDir::new().unwrap();
    probe(&folder, "7");
    monitor(&folder);
    let (code, err) = record(&folder, &[], &["/nonexistent/tool"]);
    assert_eq!(code, 2);
    assert!(err.contains("/nonexistent/tool"), "{err}");
}
