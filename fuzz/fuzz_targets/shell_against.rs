//! Generated scripts in our shell and in dash or bash: the same output, the same status.
//!
//! The first byte chooses the shell, the others the script. `SHOW=1` prints each script.

#![no_main]

mod scripts;
#[path = "../../runner/shell/tests/support/mod.rs"]
mod support;

use std::process::{Command, Stdio};

use arbitrary::Unstructured;
use libfuzzer_sys::fuzz_target;
use scripts::Maker;
use stepbox_shell::Mode;
use support::Script;

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let bash = first % 2 == 1;
    let Ok(text) = Maker::new(&mut Unstructured::new(rest), bash).script() else { return };
    if std::env::var_os("SHOW").is_some() {
        eprintln!("{text}");
    }
    let (mode, peer) = if bash { (Mode::Bash, "bash") } else { (Mode::Sh, "dash") };
    let ours = Script::new(&text).mode(mode).run();
    let folder = tempfile::tempdir().expect("a directory");
    let native = Command::new(peer)
        .args(["-c", &text])
        .current_dir(folder.path())
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", "/home")
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .output()
        .expect("the other shell starts");
    let theirs = (String::from_utf8_lossy(&native.stdout).into_owned(), native.status.code().unwrap_or(-1));
    assert_eq!(
        (&ours.stdout, i32::from(ours.status)),
        (&theirs.0, theirs.1),
        "ours is left, {peer} is right\n{text}\nours says {}{peer} says {}",
        ours.stderr,
        String::from_utf8_lossy(&native.stderr)
    );
});
