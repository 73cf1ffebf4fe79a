//! The family `text`.

use std::ffi::OsString;

fn main() {
    stepbox_tool::main("text", stepbox_text::find_tool, others)
}

/// Runs a command of another crate.
fn others(name: &str, arguments: Vec<OsString>) -> i32 {
    let _ = uucore::locale::setup_localization(name);
    let arguments = arguments.into_iter();
    match name {
        "sed" => sed::sed::uumain(arguments),
        _ => 127,
    }
}
