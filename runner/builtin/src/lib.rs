//! The toolbox, the image that is built in: its wasm, the same compiled ahead of time, and the table of its commands.
//!
//! The build script builds and compiles it. Compiled code is unpacked once into a directory of the user's cache; where
//! there is none, into memory.

mod unpack;

/// Our own commands are tested here, on the host: the toolbox itself is no member of the workspace.
#[cfg(test)]
#[path = "../../toolbox/src/tools/mod.rs"]
mod tools;

use std::fs::File;
use std::io;

use cap_std::fs::Dir;

include!(concat!(env!("OUT_DIR"), "/constants.rs"));

#[path = "../../toolbox/src/commands.rs"]
mod commands;

const WASM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/core.wasm.zst"));
const COMPILED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/core.cwasm.zst"));

/// A command of the toolbox.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Command {
    /// Its name.
    pub name: &'static str,
    /// The family that it belongs to: which module it is in.
    pub family: &'static str,
    /// Where its code comes from.
    pub origin: &'static str,
}

/// Every command, sorted by name.
pub fn commands() -> impl Iterator<Item = Command> {
    commands::COMMANDS.iter().map(|(name, family, origin)| Command { name, family, origin })
}

/// The name under which compiled code is kept: it differs wherever the code does.
pub fn key() -> &'static str {
    KEY
}

/// The module as wasm, to be compiled where the host does not take the compiled one.
pub fn wasm() -> io::Result<Vec<u8>> {
    zstd::stream::decode_all(WASM)
}

/// The compiled module, open for reading: from `cache`, which must be a directory that only its owner can write, or in
/// memory where there is no cache or it cannot be used. What is found in the cache is compared with what is embedded.
pub fn compiled(cache: Option<&Dir>) -> io::Result<File> {
    if let Some(file) = cache.and_then(|cache| unpack::cached(cache, KEY, COMPILED, COMPILED_LENGTH)) {
        return Ok(file);
    }
    unpack::in_memory(COMPILED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_holds_no_name_twice() {
        let names: Vec<_> = commands().map(|command| command.name).collect();
        assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
        for name in ["cat", "cp", "date", "ls", "pwd", "true", "["] {
            assert!(names.contains(&name), "{name}");
        }
    }

    #[test]
    fn every_command_of_the_table_has_code() {
        let dispatch = include_str!("../../toolbox/src/main.rs");
        for command in commands() {
            let ours = tools::find_tool(command.name).is_some();
            assert_eq!(ours, command.origin == "stepbox", "{}", command.name);
            assert_eq!(dispatch.contains(&format!("        \"{}\" => ", command.name)), !ours, "{}", command.name);
        }
    }

    #[test]
    fn first_runs_at_once_all_get_the_module() {
        let directory = tempfile::tempdir().expect("a directory");
        let cache = Dir::open_ambient_dir(directory.path(), cap_std::ambient_authority()).expect("opens");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let length = compiled(Some(&cache)).expect("unpacked").metadata().expect("told").len();
                    assert_eq!(length, COMPILED_LENGTH as u64);
                });
            }
        });
        let names: Vec<_> = cache.entries().expect("reads").map(|entry| entry.expect("reads").file_name()).collect();
        assert_eq!(names, [std::ffi::OsString::from(format!("{KEY}.cwasm"))]);
    }

    #[test]
    fn a_module_in_memory_cannot_be_changed() {
        let mut file = compiled(None).expect("in memory");
        assert!(io::Write::write(&mut file, b"x").is_err());
    }

    #[test]
    fn a_damaged_file_of_the_cache_is_replaced() {
        let directory = tempfile::tempdir().expect("a directory");
        let cache = Dir::open_ambient_dir(directory.path(), cap_std::ambient_authority()).expect("opens");
        let read = |mut file: File| {
            let mut data = vec![];
            io::Read::read_to_end(&mut file, &mut data).expect("reads");
            data
        };
        let good = read(compiled(None).expect("in memory"));
        assert!(read(compiled(Some(&cache)).expect("unpacked")) == good);
        let name = format!("{KEY}.cwasm");
        let mut bad = good.clone();
        bad[good.len() / 2] ^= 1;
        std::fs::write(directory.path().join(&name), &bad).expect("writes");
        assert!(read(compiled(Some(&cache)).expect("noticed")) == good);
        std::fs::write(directory.path().join(&name), &good[..100]).expect("writes");
        assert!(read(compiled(Some(&cache)).expect("noticed")) == good);
    }
}
