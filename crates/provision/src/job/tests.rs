use super::*;
use crate::bench::{Folder, JOB};
use crate::{FileRule, Goods};
use h5::obk::{ObkFile, ObkSpec};
use h5::{Password, Permissions};
use pace::Patience;
use proptest::prelude::*;

fn parse(text: &str) -> Result<Job, JobError> {
    Job::parse(text, Path::new("/bench/job.toml"))
}

fn error(from: &str, to: &str) -> JobError {
    assert!(JOB.contains(from), "{from} is not in the job");
    parse(&JOB.replace(from, to)).expect_err("it should be refused")
}

#[test]
fn paths_are_relative_to_the_job_and_defaults_are_filled_in() {
    let job = parse(JOB).unwrap();
    assert_eq!(job.images[0].path, Path::new("/bench/fw.bin"));
    assert_eq!(job.obk.as_ref().unwrap().path, Path::new("/bench/da.obk"));
    assert_eq!(job.password_file.as_deref(), Some(Path::new("/bench/pw.txt")));
    assert_eq!((job.mode, job.ap, job.speed), (ConnectMode::Hotplug, ApChoice::Auto, Hz::khz(4000)));
    assert!(job.require_nrst && !job.production);
    assert_eq!(job.ap.resolve(), ApSel(1));
    assert_eq!(job.reset_after(Step::Provisioning), Reset::None);
}

#[test]
fn an_unknown_key_is_named_with_its_table_and_the_nearest_known_one() {
    let e = error("[goal]", "[gaol]").to_string();
    assert_eq!(e, "the job has a key `gaol` that nobody knows; did you mean `goal`?");
    let e = error("family =", "familly =").to_string();
    assert_eq!(e, "the job has a key `familly` in [device] that nobody knows; did you mean `family`?");
    let e = error("address =", "adress =").to_string();
    assert_eq!(e, "the job has a key `adress` in [image[0]] that nobody knows; did you mean `address`?");
    let e = parse(&format!("{JOB}[steps.obc]\nconnect = \"normal\"\n")).unwrap_err().to_string();
    assert_eq!(e, "the job has a key `obc` in [steps] that nobody knows; did you mean `obk`?");
    let e = error("SRAM2_RST", "SRAM9_RST").to_string();
    assert!(e.contains("SRAM9_RST") && e.contains("did you mean SRAM"), "{e}");
}

#[test]
fn missing_and_wrong_values_are_named() {
    assert_eq!(error("schema = 1", ""), JobError::Missing("schema".into()));
    assert!(error("schema = 1", "schema = 7").to_string().contains("this version reads 1"));
    assert_eq!(error("family = \"STM32H562\"", ""), JobError::Missing("device.family".into()));
    assert!(error("\"STM32H562RGT6\"", "\"STM32H573 IIK6\"").to_string().contains("that is no STM32H562"));
    assert!(error("STM32H562", "STM32F407").to_string().contains("STM32H563"));
    assert!(error("0x0800_0000", "\"flash\"").to_string().contains("image[0].address"));
    assert!(error("SRAM2_RST = 1", "SRAM2_RST = 2").to_string().contains("SRAM2_RST"));
    assert!(error("\"CLOSED\"", "\"SHUT\"").to_string().contains("OPEN, PROVISIONING and CLOSED"));
    assert!(matches!(parse("schema = "), Err(JobError::Toml(_))));
}

#[test]
fn closing_needs_an_obk_and_its_password() {
    assert!(
        matches!(error("[obk]\npath = \"da.obk\"\n", ""), JobError::Missing(key) if key.starts_with("obk.path"))
    );
    let e = error("[credential]\npassword_file = \"pw.txt\"\n", "");
    assert!(matches!(e, JobError::Missing(key) if key.starts_with("credential.password_file")));
    assert!(
        parse(&JOB.replace("[credential]\npassword_file = \"pw.txt\"\n", "").replace("CLOSED", "OPEN"))
            .is_ok()
    );
}

#[test]
fn what_cannot_be_taken_back_is_refused_with_exit_3() {
    for (from, to) in [
        ("\"CLOSED\"", "\"LOCKED\""),
        ("SRAM2_RST = 1", "PRODUCT_STATE = \"CLOSED\""),
        ("SRAM2_RST = 1", "LOCKBL = 1"),
        ("SRAM2_RST = 1", "NS_EPOCH = 3"),
        ("SRAM2_RST = 1", "SECBOOT_LOCK = \"locked\""),
    ] {
        assert_eq!(error(from, to).exit(), Exit::Refused, "{to}");
    }
    assert!(parse(&JOB.replace("SRAM2_RST = 1", "NSBOOT_LOCK = \"unlocked\"")).is_ok());
}

const WAYS: &str = r#"
[connect]
mode = "pulse"
ap = 1
speed_khz = 10000
[policy]
preset = "openocd"
"flash.option" = "1s"
[steps.provisioning]
reset_after = "hardware"
[steps.obk]
connect = "normal"
ap = "auto"
policy = { "flash.obk" = "250x", poll = { interval = "1ms", ceiling = "1ms" } }
"#;

#[test]
fn each_step_may_have_its_own_connect_mode_policy_and_resets() {
    let job = parse(&format!("{JOB}{WAYS}")).unwrap();
    assert_eq!(job.mode_of(Step::Flash), ConnectMode::Pulse);
    assert_eq!(job.mode_of(Step::Obk), ConnectMode::Normal);
    assert_eq!(job.ap_of(Step::Flash), ApChoice::Ap(ApSel(1)));
    assert_eq!(job.speed, Hz::khz(10_000));
    assert_eq!(job.reset_after(Step::Provisioning), Reset::Hardware);
    let (flash, obk) = (job.policy_of(Step::Flash), job.policy_of(Step::Obk));
    assert_eq!(flash.probe.wait, Patience::Tries(64));
    assert_eq!((flash.flash.option, obk.flash.obk), (Patience::ms(1000), Patience::Tries(250)));
    assert_eq!(obk.poll.ceiling, std::time::Duration::from_millis(1));
    assert_eq!(obk.flash.option, Patience::ms(1000));
}

#[test]
fn the_obk_step_is_hotplug_unless_it_says_otherwise_itself() {
    let job = parse(&format!("{JOB}[connect]\nmode = \"normal\"\n")).unwrap();
    assert_eq!(job.mode_of(Step::Flash), ConnectMode::Normal);
    assert_eq!(job.mode_of(Step::Obk), ConnectMode::Hotplug);
}

#[test]
fn a_wrong_policy_key_in_a_step_is_an_error_of_the_job() {
    let e = parse(&format!("{JOB}[steps.obk]\npolicy = {{ \"flash.obc\" = \"1s\" }}\n")).unwrap_err();
    assert_eq!(e, JobError::Policy(BadSetting::Key("flash.obc".into())));
}

fn overridden(overrides: &Overrides) -> Result<Job, JobError> {
    let mut job = parse(&format!("{JOB}{WAYS}")).unwrap();
    job.apply(overrides).map(|()| job)
}

#[test]
fn the_command_line_wins_over_the_job() {
    let words = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
    let job = overridden(&Overrides {
        set: words(&["flash.obk=9s", "close/flash.option=3s"]),
        connect: words(&["hotplug", "obk=under-reset"]),
        ap: words(&["flash=0"]),
        speed: Some(Hz::khz(100)),
        ..Overrides::default()
    })
    .unwrap();
    assert_eq!(job.policy_of(Step::Obk).flash.obk, Patience::ms(9000));
    assert_eq!(job.policy_of(Step::Close).flash.option, Patience::ms(3000));
    assert_eq!(job.policy_of(Step::Options).flash.option, Patience::ms(1000));
    assert_eq!(job.mode_of(Step::Flash), ConnectMode::Hotplug);
    assert_eq!(job.mode_of(Step::Obk), ConnectMode::UnderReset);
    assert_eq!((job.ap_of(Step::Flash), job.speed), (ApChoice::Ap(ApSel(0)), Hz::khz(100)));
}

#[test]
fn a_mode_for_all_steps_counts_in_steps_for_which_the_job_or_we_say_otherwise() {
    let words = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
    let modes = |connect: &[&str]| {
        let job = overridden(&Overrides { connect: words(connect), ..Overrides::default() }).unwrap();
        [Step::Flash, Step::Obk, Step::Close].map(|step| job.mode_of(step))
    };
    assert_eq!(modes(&["hotplug"]), [ConnectMode::Hotplug; 3]);
    assert_eq!(modes(&["normal"]), [ConnectMode::Normal; 3], "the OBK step too");
    let one = [ConnectMode::Normal, ConnectMode::Pulse, ConnectMode::Normal];
    assert_eq!(modes(&["obk=pulse", "normal"]), one, "in any order");
    let job = overridden(&Overrides { ap: words(&["obk=0", "2"]), ..Overrides::default() }).unwrap();
    assert_eq!(
        (job.ap_of(Step::Obk), job.ap_of(Step::Close)),
        (ApChoice::Ap(ApSel(0)), ApChoice::Ap(ApSel(2)))
    );
}

#[test]
fn flags_that_make_no_sense_are_refused() {
    let one = |text: &str| vec![text.to_owned()];
    for overrides in [
        Overrides { connect: one("warmplug"), ..Overrides::default() },
        Overrides { connect: one("record=hotplug"), ..Overrides::default() },
        Overrides { ap: one("1000"), ..Overrides::default() },
        Overrides { set: one("flash.obk"), ..Overrides::default() },
        Overrides { set: one("nowhere/flash.obk=1s"), ..Overrides::default() },
    ] {
        assert_eq!(overridden(&overrides).unwrap_err().exit(), Exit::Usage, "{overrides:?}");
    }
}

/// Loads the files of a bench job after `change` spoiled something; the exit code and the message.
fn refused(text: &str, change: impl FnOnce(&Folder)) -> (Exit, String) {
    let folder = Folder::new();
    change(&folder);
    let job = folder.job(text);
    let e = Goods::load(&job, FileRule::Strict).expect_err("it should be refused");
    (e.exit(), e.to_string())
}

fn obk(family: Family, password: &str) -> Vec<u8> {
    let password = Password::from_bytes(password.as_bytes()).unwrap();
    ObkFile::build(&ObkSpec::new(family, &password)).to_bytes()
}

#[test]
fn each_bad_input_has_its_own_message_and_exit_code_before_a_probe_is_touched() {
    let own = || obk(Family::H562, crate::bench::PASSWORD);
    let (exit, text) = refused(JOB, |f| drop(f.write("da.obk", &own()[..80])));
    assert!(exit == Exit::Usage && text.contains("wrong size"), "{text}");

    let (exit, text) = refused(JOB, |f| {
        let mut bytes = own();
        bytes[12] ^= 1;
        f.write("da.obk", &bytes);
    });
    assert!(exit == Exit::Usage && text.contains("integrity"), "{text}");

    let (exit, text) = refused(JOB, |f| f.secret("pw.txt", b"not the one"));
    assert!(exit == Exit::Credential, "{text}");

    let (exit, text) = refused(JOB, |f| drop(f.write("da.obk", &obk(Family::H573, crate::bench::PASSWORD))));
    assert!(exit == Exit::Refused && text.contains("DoEncryption"), "{text}");

    let (exit, text) = refused(JOB, |f| std::fs::remove_file(f.write("fw.bin", b"")).unwrap());
    assert!(exit == Exit::Usage && text.contains("fw.bin cannot be read"), "{text}");

    let (exit, text) = refused(&JOB.replace("SRAM2_RST = 1", "TZEN = \"on\""), |_| ());
    assert!(exit == Exit::Refused && text.contains("TrustZone"), "{text}");

    let production = JOB.replace("schema = 1", "schema = 1\nproduction = true");
    let (exit, text) = refused(&production, |f| {
        f.write("da.obk", &obk(Family::H562, "0123456789012345"));
        f.secret("pw.txt", b"0123456789012345");
    });
    assert!(exit == Exit::Refused && text.contains("sample"), "{text}");

    let (exit, text) = refused(JOB, |f| {
        let password = Password::from_bytes(crate::bench::PASSWORD.as_bytes()).unwrap();
        let spec = ObkSpec { permissions: Permissions(0x1077), ..ObkSpec::new(Family::H562, &password) };
        f.write("da.obk", &ObkFile::build(&spec).to_bytes());
    });
    assert!(exit == Exit::Refused && text.to_lowercase().contains("regression"), "{text}");

    let hash = "00".repeat(32);
    let (exit, text) = refused(
        &JOB.replace("path = \"fw.bin\"", &format!("path = \"fw.bin\"\nsha256 = \"{hash}\"")),
        |_| (),
    );
    assert!(exit == Exit::Usage && text.contains("the job wants 0000"), "{text}");
}

#[test]
fn st_s_sample_is_fine_on_a_bench() {
    let folder = Folder::new();
    folder.write("da.obk", &obk(Family::H562, "0123456789012345"));
    folder.secret("pw.txt", b"0123456789012345");
    assert!(!folder.goods(&folder.job(JOB)).warnings.is_empty(), "but it should be warned about");
}

#[test]
fn jobs_that_put_the_same_into_a_part_have_the_same_content_however_they_work() {
    let folder = Folder::new();
    let content = |text: &str| folder.goods(&folder.job(text)).content().to_owned();
    assert_eq!(content(JOB), content(&format!("{JOB}{WAYS}")));
    assert_ne!(content(JOB), content(&JOB.replace("SRAM2_RST = 1", "SRAM2_RST = 0")));
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,200}", at in 0usize..400, cut in 0usize..400) {
        let _ = parse(&text);
        let whole = format!("{JOB}{WAYS}");
        let (at, cut) = (at.min(whole.len()), cut.min(whole.len()));
        let _ = parse(&format!("{}{text}{}", &whole[..at.min(cut)], &whole[at.max(cut)..]));
    }
}

#[test]
fn a_job_that_is_cut_at_any_byte_is_refused_or_read_but_never_a_panic() {
    let whole = format!("{JOB}{WAYS}");
    for end in 0..whole.len() {
        let _ = parse(&whole[..end]);
    }
}
