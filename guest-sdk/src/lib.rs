//! What a program for Stepbox's sandbox depends on.
//!
//! WASI preview 1 starts a program at `/` and knows no working directory. [`enter`] goes to the one that the step's
//! shell is in (`$PWD`), and [`exit`] ends the program with any status from 0 to 255. On the host both do the same, so
//! that a tool can be tested there.
//!
//! ```no_run
//! fn main() -> ! {
//!     stepbox_guest::enter();
//!     stepbox_guest::exit(0)
//! }
//! ```

mod abi;

use std::path::Path;

/// The name of the export by which the host knows a program that uses this crate. Its presence is its meaning.
pub const MARKER: &str = "stepbox_guest_v1";

/// Makes `$PWD` the working directory, where it is an absolute path of a directory. Call it first in `main`.
pub fn enter() {
    abi::keep_marker();
    if let Some(directory) = std::env::var_os("PWD")
        && Path::new(&directory).is_absolute()
    {
        // Where it is gone the program starts at `/`, as one would whose directory was removed under it.
        let _ = std::env::set_current_dir(directory);
    }
}

/// Ends the program with a status from 0 to 255; of a larger or negative number the low eight bits count, as in POSIX.
pub fn exit(status: i32) -> ! {
    std::process::exit(status & 0xff)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_marker_is_exported_under_its_name() {
        assert_eq!(super::MARKER, stringify!(stepbox_guest_v1));
        super::abi::keep_marker();
    }
}
