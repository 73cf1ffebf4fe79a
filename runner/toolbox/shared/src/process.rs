//! Starting other commands: by the host's `stepbox_process_v1` (`guest-sdk/ABI.md`), on the host by the operating system.

use std::fs::File;
use std::io;

/// What a standard stream of a child is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Stream {
    /// The caller's own.
    #[default]
    Inherited,
    /// A pipe, whose other end the caller has.
    Piped,
    /// Nothing: reads see the end, writes are lost.
    Null,
}

/// A command that was started. One that is not waited for runs on.
pub struct Child {
    /// Where to write what it reads, if that is a pipe.
    pub input: Option<File>,
    /// Where to read what it writes, if that is a pipe.
    pub output: Option<File>,
    inner: system::Child,
}

impl Child {
    /// Closes what is left of its input and waits for its end: its status, 128 + n where signal n ended it.
    ///
    /// # Errors
    /// Where it was waited for before.
    pub fn wait(mut self) -> io::Result<i32> {
        drop(self.input.take());
        drop(self.output.take());
        self.inner.wait()
    }
}

/// Starts a command with the caller's environment (what [`std::env`](mod@std::env) tells now) and working directory. `argv` begins with
/// its name.
///
/// # Errors
/// `NotFound` where there is no such command, `PermissionDenied` where it cannot be executed, and what the host refuses.
pub fn start(argv: &[Vec<u8>], input: Stream, output: Stream) -> io::Result<Child> {
    system::start(argv, input, output)
}

#[cfg(target_os = "wasi")]
#[expect(unsafe_code, reason = "imports and descriptors have no other form")]
mod system {
    use std::fs::File;
    use std::io;
    use std::os::fd::{AsRawFd, FromRawFd};
    use std::os::wasi::ffi::OsStrExt;

    use super::Stream;

    /// A text of a list.
    #[repr(C)]
    struct Text(*const u8, usize);

    #[link(wasm_import_module = "stepbox_process_v1")]
    unsafe extern "C" {
        fn spawn(
            argv: *const Text,
            argv_count: usize,
            env: *const Text,
            env_count: usize,
            cwd: *const u8,
            cwd_length: usize,
            umask: u32,
            files: *const [u32; 2],
            files_count: usize,
            number: *mut u32,
        ) -> u32;
        fn wait(number: u32, flags: u32, found: *mut u32, status: *mut u32) -> u32;
        fn pipe(read: *mut u32, write: *mut u32) -> u32;
    }

    #[link(wasm_import_module = "stepbox_fs_v1")]
    unsafe extern "C" {
        fn umask_get(mask: *mut u32) -> u32;
    }

    pub(super) struct Child(u32);

    impl Child {
        pub(super) fn wait(&mut self) -> io::Result<i32> {
            let (mut found, mut status) = (0, 0);
            // SAFETY: both places are ours.
            told(unsafe { wait(self.0, 0, &mut found, &mut status) })?;
            Ok(status.cast_signed())
        }
    }

    fn told(errno: u32) -> io::Result<()> {
        if errno == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(errno.cast_signed())) }
    }

    /// A pipe: the end to read from, the end to write to.
    fn new_pipe() -> io::Result<(File, File)> {
        let (mut read, mut write) = (0, 0);
        // SAFETY: both places are ours; the descriptors are new and nobody else's.
        unsafe {
            told(pipe(&mut read, &mut write))?;
            Ok((File::from_raw_fd(read.cast_signed()), File::from_raw_fd(write.cast_signed())))
        }
    }

    pub(super) fn start(argv: &[Vec<u8>], input: Stream, output: Stream) -> io::Result<super::Child> {
        let mut files = vec![[2_u32, 2]];
        // The child's ends are closed here when it has them.
        let mut childs = vec![];
        let mut ours = [None, None];
        for (number, stream) in [(0_u32, input), (1, output)] {
            let end = match stream {
                Stream::Inherited => {
                    files.push([number, number]);
                    continue;
                }
                Stream::Null if number == 0 => File::open("/dev/null")?,
                Stream::Null => File::create("/dev/null")?,
                Stream::Piped => {
                    let (read, write) = new_pipe()?;
                    let (childs, own) = if number == 0 { (read, write) } else { (write, read) };
                    ours[number as usize] = Some(own);
                    childs
                }
            };
            files.push([number, end.as_raw_fd().cast_unsigned()]);
            childs.push(end);
        }
        let environment: Vec<Vec<u8>> =
            std::env::vars_os().map(|(name, value)| [name.as_bytes(), b"=", value.as_bytes()].concat()).collect();
        let pair = |text: &Vec<u8>| Text(text.as_ptr(), text.len());
        let words: Vec<Text> = argv.iter().map(pair).collect();
        let environment_words: Vec<Text> = environment.iter().map(pair).collect();
        let directory = std::env::current_dir().unwrap_or_default();
        let directory = directory.as_os_str().as_bytes();
        let (mut mask, mut number) = (0o022, 0);
        // SAFETY: every list and text lives until the call returns; both places are ours.
        unsafe {
            told(umask_get(&mut mask))?;
            told(spawn(
                words.as_ptr(),
                words.len(),
                environment_words.as_ptr(),
                environment_words.len(),
                directory.as_ptr(),
                directory.len(),
                mask,
                files.as_ptr(),
                files.len(),
                &mut number,
            ))?;
        }
        let [input, output] = ours;
        Ok(super::Child { input, output, inner: Child(number) })
    }
}

#[cfg(not(target_os = "wasi"))]
mod system {
    use std::ffi::OsStr;
    use std::fs::File;
    use std::io;
    use std::os::fd::OwnedFd;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Command, Stdio};

    use super::Stream;

    pub(super) struct Child(std::process::Child);

    impl Child {
        pub(super) fn wait(&mut self) -> io::Result<i32> {
            let status = self.0.wait()?;
            Ok(status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1))
        }
    }

    pub(super) fn start(argv: &[Vec<u8>], input: Stream, output: Stream) -> io::Result<super::Child> {
        let stdio = |stream| match stream {
            Stream::Inherited => Stdio::inherit(),
            Stream::Piped => Stdio::piped(),
            Stream::Null => Stdio::null(),
        };
        let words: Vec<&OsStr> = argv.iter().map(|word| OsStr::from_bytes(word)).collect();
        let (name, words) = words.split_first().ok_or(io::ErrorKind::NotFound)?;
        let mut child = Command::new(name).args(words).stdin(stdio(input)).stdout(stdio(output)).spawn()?;
        let input = child.stdin.take().map(|end| File::from(OwnedFd::from(end)));
        let output = child.stdout.take().map(|end| File::from(OwnedFd::from(end)));
        Ok(super::Child { input, output, inner: Child(child) })
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::{Stream, start};

    #[test]
    fn a_child_is_written_to_and_read_from() {
        let words = ["sh", "-c", "read x; echo got $x; exit 7"].map(|word| word.as_bytes().to_vec());
        let mut child = start(&words, Stream::Piped, Stream::Piped).expect("starts");
        child.input.take().expect("a pipe").write_all(b"this\n").expect("writes");
        let mut text = String::new();
        child.output.as_mut().expect("a pipe").read_to_string(&mut text).expect("reads");
        assert_eq!((text.as_str(), child.wait().expect("ends")), ("got this\n", 7));
        assert!(start(&[b"no-such-command".to_vec()], Stream::Null, Stream::Null).is_err());
    }
}
