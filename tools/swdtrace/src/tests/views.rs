//! Filters, expansion, lint, cost, and the forms of a difference.

use super::{block, compared, exchange, on, one_more, recording};
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use trace::{ClockKind, Header, Recorder, Secrets};

/// So many turns of a loop that feeds a watchdog and looks whether the flash is done, then a FAULT.
fn looping(turns: usize) -> Vec<u8> {
    let header = Header::new("test", "1.0", ClockKind::Virtual);
    let mut recorder = Recorder::in_memory(&header, Secrets::Masked).unwrap();
    let r = &mut recorder;
    let set_up = [5, 0, 2, 8, 0, 0, 0, 1, 1, 2, 0, 0, 0x23];
    exchange(r, 1, 0, &set_up, &[5, 2, 1]);
    for n in 0..turns as u64 {
        let feed = [5, 0, 2, 5, 0, 0x30, 0, 0x40, 0xD, 0xAA, 0xAA, 0, 0];
        exchange(r, 2 + 2 * n, 200 + 300 * n, &feed, &[5, 2, 1]);
        let look = [5, 0, 2, 5, 0x20, 0x20, 0x02, 0x40, 0xF];
        exchange(r, 3 + 2 * n, 350 + 300 * n, &look, &[5, 2, 1, 1, 0, 0, 0]);
    }
    let end = 900 + 300 * turns as u64;
    exchange(r, 900, end, &[5, 0, 2, 5, 0, 0, 0, 0x30, 0xF], &[5, 1, 4]);
    exchange(r, 901, end + 200, &[5, 0, 1, 6], &[5, 1, 1, 0x20, 0, 0, 0xF0]);
    recorder.into_bytes()
}

fn lines(out: &str) -> Vec<&str> {
    out.lines().filter(|line| !line.starts_with('#')).collect()
}

#[test]
fn a_loop_is_a_row_with_its_first_turn_below_and_expands_to_numbered_accesses() {
    let (code, out, err) = on(&looping(5), &["show", "--target", "stm32h5", "--level", "4"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let expected = "    0.000200  loop ×5 over 1.45 ms; the first:
    0.000200      peripherals 0x4000_3000 write 0x0000_AAAA
    0.000350      FLASH_NSSR read BSY=1 (0x0000_0001)
    0.002400  SRAM1 0x3000_0000 read -> FAULT
    0.002600  CTRL/STAT read STICKYERR=1 CDBGPWRUPREQ=1 CDBGPWRUPACK=1 CSYSPWRUPREQ=1 CSYSPWRUPACK=1 (0xF000_0020)
";
    assert_eq!(lines(&out).join("\n") + "\n", expected);
    let (_, out, _) = on(&looping(5), &["show", "--target", "stm32h5", "--level", "4", "--expand"]);
    let numbers: Vec<usize> =
        out.lines().filter_map(|line| line.split_once(" #")?.1.split(' ').next()?.parse().ok()).collect();
    assert_eq!(numbers, (0..numbers.len()).collect::<Vec<_>>());
    assert_eq!(out.matches("FLASH_NSSR read").count(), 5);
    let (_, out, _) = on(&looping(5), &["show", "--target", "stm32h5", "--level", "4", "--format", "jsonl"]);
    let first: Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
    assert_eq!((&first["kind"], &first["turns"], &first["events"]), (&"loop".into(), &5.into(), &10.into()));
    assert_eq!(first["body"].as_array().unwrap().len(), 2);
}

#[test]
fn filters_leave_what_was_asked_for_with_rows_around_it() {
    let show = |more: &[&str]| {
        let (code, out, err) =
            on(&looping(5), &[&["show", "--target", "stm32h5", "--level", "4"], more].concat());
        assert_eq!((code, err.as_str()), (0, ""), "{more:?}");
        lines(&out).iter().map(|line| line.trim().to_owned()).collect::<Vec<_>>()
    };
    let faults = show(&["--ack", "fault"]);
    assert_eq!(faults, ["…", "0.002400  SRAM1 0x3000_0000 read -> FAULT"]);
    assert_eq!(show(&["--ack", "fault", "--context", "1"]).len(), 5);
    assert_eq!(show(&["--until", "fault"]).len(), 4);
    assert_eq!(show(&["--register", "CTRL/STAT"]).len(), 2);
    assert_eq!(show(&["--address", "0x3000_0000+0x100"]).len(), 2);
    assert_eq!(show(&["--from", "2.5ms"]).len(), 2);
    for (more, hint) in [
        (&["--ap", "0"][..], "access ports in it: AP1"),
        (&["--register", "NOBODY"], "no register is called NOBODY"),
        (&["--from", "70"], "it ends at 0.00"),
        (&["--mark", "nowhere"], "no mark has the text \"nowhere\""),
    ] {
        let (code, out, err) = on(&looping(5), &[&["show", "--level", "4"], more].concat());
        assert!(code == 0 && err.contains(hint), "{more:?}: {err}");
        assert!(err.contains("nothing passes the filter; without it level 4 has"), "{err}");
        assert!(lines(&out).iter().all(|line| line.contains('…')), "{out}");
    }
    let (code, _, err) = on(&looping(1), &["show", "--address", "nowhere"]);
    assert!(code == 2 && err.contains("no address"), "{err}");
}

#[test]
fn lint_tells_findings_with_evidence_and_its_exit_code_says_whether_there_are_any() {
    let (code, out, _) = on(&recording(), &["lint", "--connect", "hotplug"]);
    assert_eq!((code, out.as_str()), (0, "nothing found\n"));
    let mut cut = recording();
    cut.truncate(cut.len() - 3);
    assert_eq!(on(&cut, &["lint"]).0, 2);
    // Flash is unlocked without a look at the lock.
    let header = Header::new("test", "1.0", ClockKind::Virtual);
    let mut recorder = Recorder::in_memory(&header, Secrets::Masked).unwrap();
    let r = &mut recorder;
    let set_up = [5, 0, 3, 8, 0, 0, 0, 1, 1, 2, 0, 0, 0x23, 5, 0x04, 0x20, 0x02, 0x40];
    exchange(r, 1, 0, &set_up, &[5, 3, 1]);
    exchange(r, 2, 300, &[5, 0, 1, 0xD, 0x23, 0x01, 0x67, 0x45], &[5, 1, 1]);
    let bytes = recorder.into_bytes();
    let (code, out, _) = on(&bytes, &["lint", "--target", "stm32h5"]);
    assert_eq!((code, on(&bytes, &["lint"]).0), (1, 0), "nothing in it tells that it is an STM32H5");
    let expected = "    0.000300  key-unseen-lock: FLASH_NSKEYR is written and its lock was never read
              #4 FLASH_NSKEYR write key 1
";
    assert!(out.starts_with(expected), "{out}");
    assert!(out.contains("not checked: hotplug-halt") && out.contains("[H5-FLASH-2]"), "{out}");
    let (_, out, _) = on(&bytes, &["lint", "--target", "stm32h5", "--format", "json"]);
    let lint: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&lint["schema"], &lint["findings"][0]["rule"]["id"]), (&1.into(), &"key-unseen-lock".into()));
    assert_eq!(lint["findings"][0]["events"][0], 4);
    assert_eq!(on(&bytes, &["lint", "--target", "stm32h5", "--without", "key-unseen-lock"]).0, 0);
}

#[test]
fn cost_stands_beside_its_floor_and_the_help_says_how_that_is_reckoned() {
    let (code, out, _) = on(&recording(), &["cost"]);
    assert_eq!(code, 0);
    assert!(out.contains("SWCLK cycles"), "{out}");
    // DPIDR; then SELECT, CSW, TAR, three reads and what fetches the last.
    assert!(
        out.contains("floor: 8 transactions = 3 data + 1 registers + 1 TAR + 1 SELECT + 1 CSW + 1 RDBUFF"),
        "{out}"
    );
    let cost: Value = serde_json::from_str(&on(&recording(), &["cost", "--format", "json"]).1).unwrap();
    assert_eq!((&cost["floor"]["clocks"], &cost["wire"]["transactions"]), (&(8 * 46).into(), &11.into()));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    assert_eq!(crate::run(["swdtrace", "cost", "--help"], &mut out, &mut err), 0);
    assert!(String::from_utf8(out).unwrap().contains("44 clocks and two turnarounds"));
}

#[test]
fn stat_tells_times_troubles_and_silences() {
    let (code, out, _) = on(&looping(5), &["stat"]);
    assert_eq!(code, 0);
    for part in ["FAULT          0.002400 #", "STICKYERR=1", "silence", "p95", "SWCLK          at least"] {
        assert!(out.contains(part), "{part}: {out}");
    }
    let stat: Value = serde_json::from_str(&on(&looping(5), &["stat", "--format", "json"]).1).unwrap();
    assert_eq!((&stat["schema"], &stat["fault_count"]), (&1.into(), &1.into()));
    assert_eq!(stat["latency"][1]["p50_ns"], 100_000);
}

#[test]
fn unified_text_has_no_times_and_is_empty_for_the_same() {
    let (code, out, _) = compared(&recording(), &recording(), &["--format", "unified"]);
    assert_eq!((code, out.as_str()), (0, ""));
    let (code, out, _) = compared(&recording(), &one_more(), &["--format", "unified", "--level", "4"]);
    assert_eq!(code, 1);
    let rest: Vec<&str> = out.lines().skip(2).collect();
    assert_eq!(
        rest,
        ["@@ -1 +1 @@", "-FLASH_NSSR read 0x0000_0000 (×3)", "+FLASH_NSSR write BSY=1 (0x0000_0001)",]
    );
}

#[test]
fn masked_bits_are_no_difference_and_times_are_told_apart() {
    let (code, out, _) = compared(&looping(3), &looping(5), &["--level", "4", "--time-ratio", "1.5"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("0 steps that both take are of very different length"), "{out}");
    let more = ["--level", "4", "--time-ratio", "1.5", "--time-least", "100us", "--format", "json"];
    let (_, out, _) = compared(&looping(3), &looping(20), &more);
    let value: Value = serde_json::from_str(&out).unwrap();
    assert!(!value["timing"].as_array().unwrap().is_empty(), "{out}");
    let (code, _, err) = compared(&looping(3), &looping(5), &["--mask", "NOBODY=0x1"]);
    assert!(code == 2 && err.contains("no register"), "{err}");
}

/// A report about two recordings, of which one is so many turns longer.
fn report(folder: &Path, name: &str, a: &[u8], b: &[u8], level: &str) -> std::path::PathBuf {
    let page = folder.join(name);
    let html = page.to_str().unwrap();
    compared(a, b, &["--html", html, "--level", level]);
    page
}

#[test]
fn the_page_holds_everything_itself_and_nothing_in_it_is_markup_by_accident() {
    let folder = tempfile::tempdir().unwrap();
    let page = std::fs::read_to_string(report(folder.path(), "a.html", &block(1), &block(2), "3")).unwrap();
    for outside in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.contains("<h1>different in 1 place</h1>") && page.contains("id=\"d1\""), "{page}");
    assert!(page.contains("write, 64 bytes, first 0x0101_0101"), "{page}");
    let same = std::fs::read_to_string(report(folder.path(), "b.html", &block(1), &block(1), "3")).unwrap();
    assert!(same.contains("<h1>the same</h1>") && same.contains("16 equal rows"), "{same}");
}

/// A browser without a window, if there is one. Says why not.
fn browser() -> Option<&'static str> {
    let works =
        |name: &&str| Command::new(name).arg("--version").output().is_ok_and(|out| out.status.success());
    let found = ["chromium", "chromium-browser", "google-chrome"].into_iter().find(works);
    if found.is_none() {
        let required = std::env::var("ACKWAIT_INTEROP_REQUIRE").unwrap_or_default();
        assert!(
            !required.split(',').any(|name| name == "browser"),
            "a browser is required, and there is none"
        );
        println!("skipped: no chromium on the PATH");
    }
    found
}

/// What the browser makes of a page.
fn browsed(browser: &str, folder: &Path, args: &[&str], page: &Path) -> String {
    let home = folder.join("home");
    let out = Command::new("timeout")
        .args(["120", browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"])
        .arg(format!("--user-data-dir={}", home.display()))
        .args(args)
        .arg(format!("file://{}", page.display()))
        .output()
        .expect("it runs");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).into_owned()
}

/// A page's copy that presses a key when it is loaded, and says in its title where the reader then is.
fn pressed(page: &Path, keys: &str) -> std::path::PathBuf {
    let text = std::fs::read_to_string(page).unwrap();
    let script = format!(
        "<script>for (const key of \"{keys}\") document.dispatchEvent(new KeyboardEvent(\"keydown\", {{ key }}));\
         document.title = (document.activeElement.id || \"nowhere\") + \" \" + \
         document.querySelectorAll(\"details[open]\").length;</script></body>"
    );
    let path = page.with_extension("pressed.html");
    std::fs::write(&path, text.replace("</body>", &script)).unwrap();
    path
}

#[test]
fn a_browser_shows_the_page_of_400_rows_and_of_4000_and_goes_by_keyboard() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    for turns in [200, 2000] {
        // At level 3 each turn counts; the longer loop is one difference of that many rows.
        let page = report(folder.path(), "page.html", &looping(turns), &looping(10), "3");
        let rows = std::fs::read_to_string(&page).unwrap().matches("<div class=\"row").count();
        assert!(rows >= 2 * turns - 20, "{rows}");
        for (scheme, dark) in [
            ("light", "--blink-settings=preferredColorScheme=1"),
            ("dark", "--blink-settings=preferredColorScheme=0"),
        ] {
            let shot = folder.path().join(format!("{turns}-{scheme}.png"));
            let to = format!("--screenshot={}", shot.display());
            browsed(browser, folder.path(), &[&to, dark, "--window-size=1400,900"], &page);
            let png = std::fs::read(&shot).unwrap();
            assert!(png.starts_with(b"\x89PNG") && png.len() > 20_000, "{} bytes", png.len());
            if let Some(keep) = std::env::var_os("ACKWAIT_SCREENSHOTS") {
                std::fs::copy(&shot, Path::new(&keep).join(shot.file_name().unwrap())).unwrap();
            }
        }
        let dom = browsed(browser, folder.path(), &["--dump-dom"], &pressed(&page, "ne"));
        let (_, title) = dom.split_once("<title>").expect("a title");
        assert!(title.starts_with("d1 "), "{}", &title[..40]);
        let opened = title.split(['<', ' ']).nth(1).unwrap();
        assert_ne!(opened, "0", "the folds are open");
    }
}
