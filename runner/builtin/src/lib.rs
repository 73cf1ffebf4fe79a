//! The toolbox, the image that is built in: one module for each family of commands, as wasm and compiled ahead of time, and the
//! table of the commands.
//!
//! The build script builds and compiles them. Compiled code is unpacked once into a directory of the user's cache; where
//! there is none, into memory.

mod unpack;

use std::fs::File;
use std::io;

use cap_std::fs::Dir;
pub use stepbox_tool::{Command, UUTILS_VERSION, help};

/// A module of the toolbox.
#[derive(Debug)]
pub struct Family {
    name: &'static str,
    /// The name under which compiled code is kept: it differs wherever the code does.
    key: &'static str,
    /// Bytes of the compiled code.
    length: usize,
    wasm: &'static [u8],
    compiled: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/families.rs"));

/// Every command, sorted by name.
pub fn commands() -> impl Iterator<Item = Command> {
    stepbox_tool::COMMANDS.iter().copied()
}

/// Every family.
pub fn families() -> &'static [Family] {
    FAMILIES
}

impl Family {
    /// Its name, as the commands have it.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its commands, sorted by name.
    pub fn commands(&self) -> impl Iterator<Item = Command> {
        commands().filter(|command| command.family == self.name)
    }

    /// The module as wasm, to be compiled where the host does not take the compiled one.
    pub fn wasm(&self) -> io::Result<Vec<u8>> {
        zstd::stream::decode_all(self.wasm)
    }

    /// Looks for its compiled code in `cache`, which must be a directory that only its owner can write, and unpacks it into that
    /// where it is missing or cut off.
    pub fn find(&'static self, cache: Option<&Dir>) -> Compiled {
        let found = cache.and_then(|cache| {
            let file = unpack::cached(cache, self.key, self.compiled, self.length)?;
            Some((cache.try_clone().ok()?, file))
        });
        Compiled { family: self, found }
    }
}

/// Compiled code as it lies in the cache. It is found early, as a process that locks itself cannot open it any more, and
/// looked at late, when it is needed: that takes 30 to 50 milliseconds for 27 MB.
pub struct Compiled {
    family: &'static Family,
    found: Option<(Dir, File)>,
}

impl Compiled {
    /// Which family it is the code of.
    pub fn family(&self) -> &'static Family {
        self.family
    }

    /// The code, open for reading: from the cache, every byte compared with what is embedded, or in memory where there is no
    /// cache or it cannot be used. What is damaged is removed, and unpacked by the next to look.
    pub fn open(self) -> io::Result<File> {
        let Family { key, length, compiled, .. } = self.family;
        if let Some((cache, file)) = self.found {
            match unpack::verified(file, compiled, *length) {
                Some(file) => return Ok(file),
                None => unpack::remove(&cache, key),
            }
        }
        unpack::in_memory(key, compiled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn family(name: &str) -> &'static Family {
        families().iter().find(|family| family.name == name).expect("a family of that name")
    }

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
        for command in commands() {
            let (find, program): (stepbox_tool::Find, _) = match command.family {
                "core" => (stepbox_core::find_tool, include_str!("../../toolbox/programs/core/src/main.rs")),
                "archive" => (stepbox_archive::find_tool, ""),
                "data" => (stepbox_data::find_tool, ""),
                "files" => (stepbox_files::find_tool, ""),
                "text" => (stepbox_text::find_tool, ""),
                other => panic!("{}: no family {other}", command.name),
            };
            // Of some that are not, frequent calls are.
            let wholly_ours = command.origin == "stepbox";
            assert!(find(command.name, &[]).is_some() || !wholly_ours, "{}", command.name);
            let arm = format!("        \"{}\" => ", command.name);
            assert_eq!(program.contains(&arm), !wholly_ours, "{}", command.name);
            assert!(families().iter().any(|family| family.name == command.family), "{}", command.name);
        }
    }

    #[test]
    fn first_runs_at_once_all_get_the_module() {
        let text = family("text");
        let directory = tempfile::tempdir().expect("a directory");
        let cache = Dir::open_ambient_dir(directory.path(), cap_std::ambient_authority()).expect("opens");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let length = text.find(Some(&cache)).open().expect("unpacked").metadata().expect("told").len();
                    assert_eq!(length, text.length as u64);
                });
            }
        });
        let names: Vec<_> = cache.entries().expect("reads").map(|entry| entry.expect("reads").file_name()).collect();
        assert_eq!(names, [std::ffi::OsString::from(format!("{}.cwasm", text.key))]);
    }

    #[test]
    fn a_module_in_memory_cannot_be_changed() {
        let mut file = family("text").find(None).open().expect("in memory");
        assert!(io::Write::write(&mut file, b"x").is_err());
    }

    #[test]
    fn a_damaged_file_of_the_cache_is_replaced() {
        let text = family("text");
        let directory = tempfile::tempdir().expect("a directory");
        let cache = Dir::open_ambient_dir(directory.path(), cap_std::ambient_authority()).expect("opens");
        let read = |mut file: File| {
            let mut data = vec![];
            io::Read::read_to_end(&mut file, &mut data).expect("reads");
            data
        };
        let good = read(text.find(None).open().expect("in memory"));
        assert!(read(text.find(Some(&cache)).open().expect("unpacked")) == good);
        let name = format!("{}.cwasm", text.key);
        let mut bad = good.clone();
        bad[good.len() / 2] ^= 1;
        std::fs::write(directory.path().join(&name), &bad).expect("writes");
        assert!(read(text.find(Some(&cache)).open().expect("noticed")) == good);
        assert!(!directory.path().join(&name).exists(), "the next one unpacks it");
        std::fs::write(directory.path().join(&name), &good[..100]).expect("writes");
        assert!(read(text.find(Some(&cache)).open().expect("noticed")) == good);
        assert!(std::fs::read(directory.path().join(&name)).expect("reads") == good);
    }
}
