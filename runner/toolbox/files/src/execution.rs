use std::io;
use std::path::Path;

use stepbox_tool::process::{Stream, start};
use stepbox_tool::{Streams, describe};

/// How many bytes of paths one command gets at most, as the host allows 2 MiB with the environment.
const MAX_BYTES: usize = 128 << 10;

/// `-exec COMMAND ;` or `-exec COMMAND +`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Execution {
    /// The command, with `{}` where the path stands.
    pub(crate) words: Vec<String>,
    /// Many paths at once, behind the words.
    pub(crate) many: bool,
}

impl Execution {
    /// Runs the command for one path; whether it ended well.
    pub(crate) fn one(&self, path: &Path, streams: &mut Streams<'_>) -> io::Result<bool> {
        let path = path.as_os_str().as_encoded_bytes();
        let words = self.words.iter().map(|word| {
            let parts: Vec<&[u8]> = word.split("{}").map(str::as_bytes).collect();
            parts.join(path)
        });
        Ok(run(&words.collect::<Vec<_>>(), streams)? == Some(0))
    }

    /// Runs the command for many paths; whether it ended well.
    pub(crate) fn all(&self, paths: Vec<Vec<u8>>, streams: &mut Streams<'_>) -> io::Result<bool> {
        let words: Vec<Vec<u8>> = self.words.iter().map(|word| word.clone().into_bytes()).chain(paths).collect();
        Ok(run(&words, streams)? == Some(0))
    }
}

/// Paths that wait for their command.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    pub(crate) paths: Vec<Vec<u8>>,
    bytes: usize,
}

impl Waiting {
    /// Adds a path; whether there are enough.
    pub(crate) fn add(&mut self, path: &Path) -> bool {
        let path = path.as_os_str().as_encoded_bytes().to_vec();
        self.bytes += path.len() + 1;
        self.paths.push(path);
        self.bytes >= MAX_BYTES
    }
}

/// The status of a command; nothing where it could not be started, which is told.
fn run(words: &[Vec<u8>], streams: &mut Streams<'_>) -> io::Result<Option<i32>> {
    // What was printed before comes before.
    streams.output.flush()?;
    match start(words, Stream::Inherited, Stream::Inherited).and_then(stepbox_tool::process::Child::wait) {
        Ok(status) => Ok(Some(status)),
        Err(error) => {
            let name = String::from_utf8_lossy(words.first().map(Vec::as_slice).unwrap_or_default()).into_owned();
            streams.say("find", &format!("'{name}': {}", describe(&error)));
            Ok(None)
        }
    }
}
