use super::*;
use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

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

#[test]
fn print_everything() {
    for args in [
        vec!["info"],
        vec!["info", "--format", "json"],
        vec!["dp", "read", "dpidr"],
        vec!["dp", "write", "CTRL/STAT", "0x50000000"],
        vec!["dp", "write", "SELECT", "0"],
        vec!["ap", "read", "idr"],
        vec!["ap", "read", "idr", "--ap", "0"],
        vec!["ap", "write", "TAR", "0x20000000"],
        vec!["mem", "read", "0x20000000", "64"],
        vec!["mem", "read", "FLASH_NSSR"],
        vec!["mem", "write", "0x20000000", "1", "2"],
        vec!["mem", "write", "DHCSR", "0xa05f0001"],
        vec!["mem", "read", "0x90000000"],
        vec!["mem", "read", "FLASH_NSSR", "--ap", "3"],
        vec!["mem", "read", "DBGMCU_SR"],
        vec!["policy", "diff", "openocd"],
        vec!["mem", "read", "0x20000001", "16"],
        vec!["mem", "write", "0x20000000", "0x100", "--width", "8"],
    ] {
        for probe in ["sim:h562", "sim:h562,probe=stlink-v3"] {
            let done = tool(&[&args[..], &["-p", probe, "--bill"]].concat());
            println!("$ {} {probe}\n{}{}=> {}", args.join(" "), done.out, done.err, done.exit);
        }
    }
}
