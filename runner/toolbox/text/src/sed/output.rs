use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use stepbox_tool::{Streams, file_info, mode};

use super::script::Script;

/// Where lines go: standard output or the file that is edited, and the files of `w`.
pub(super) struct Outputs {
    files: Vec<Output>,
    edited: Option<Edited>,
    unbuffered: bool,
    /// Whether the last line of the main output lacks its newline.
    incomplete: bool,
}

struct Output {
    target: Target,
    incomplete: bool,
}

enum Target {
    Standard,
    Errors,
    File(BufWriter<File>),
}

/// A file whose new contents are written beside it.
struct Edited {
    path: PathBuf,
    temporary: PathBuf,
    file: BufWriter<File>,
}

impl Outputs {
    /// Opens the files of a script; the error names the one that cannot be.
    pub(super) fn open(script: &Script, unbuffered: bool) -> Result<Self, (String, io::Error)> {
        let mut files = vec![];
        for name in &script.outputs {
            let target = match &name[..] {
                b"/dev/stdout" => Target::Standard,
                b"/dev/stderr" => Target::Errors,
                _ => match File::create(stepbox_tool::os_string(name)) {
                    Ok(file) => Target::File(BufWriter::new(file)),
                    Err(error) => return Err((String::from_utf8_lossy(name).into_owned(), error)),
                },
            };
            files.push(Output { target, incomplete: false });
        }
        Ok(Self { files, edited: None, unbuffered, incomplete: false })
    }

    /// Writes to the main output: a text and what ends it.
    pub(super) fn write(&mut self, text: &[u8], end: Option<u8>, streams: &mut Streams<'_>) -> io::Result<()> {
        let output: &mut dyn Write = match &mut self.edited {
            Some(edited) => &mut edited.file,
            None => streams.output,
        };
        put(output, &mut self.incomplete, text, end)?;
        if self.unbuffered { output.flush() } else { Ok(()) }
    }

    /// Writes the text of `a`, `i` or `c`, which has its newlines.
    pub(super) fn write_text(&mut self, text: &[u8], streams: &mut Streams<'_>) -> io::Result<()> {
        let (text, end) = match text.strip_suffix(b"\n") {
            Some(text) => (text, Some(b'\n')),
            None => (text, None),
        };
        self.write(text, end, streams)?;
        self.incomplete = false;
        Ok(())
    }

    /// Writes a line to a file of `w`.
    pub(super) fn write_to(
        &mut self,
        index: usize,
        text: &[u8],
        end: Option<u8>,
        streams: &mut Streams<'_>,
    ) -> io::Result<()> {
        let Output { target, incomplete } = &mut self.files[index];
        match target {
            Target::Standard => put(streams.output, &mut self.incomplete, text, end),
            Target::Errors => put(streams.errors, incomplete, text, end),
            Target::File(file) => {
                put(file, incomplete, text, end)?;
                // A command may read it while the script goes on.
                file.flush()
            }
        }
    }

    /// From now on the main output is what the file will hold.
    pub(super) fn begin(&mut self, path: &Path) -> io::Result<()> {
        let directory = path.parent().unwrap_or(Path::new(""));
        for count in 0..1000 {
            let temporary = directory.join(format!(".sed{count}.tmp"));
            match File::create_new(&temporary) {
                Ok(file) => {
                    let file = BufWriter::with_capacity(64 << 10, file);
                    self.edited = Some(Edited { path: path.to_owned(), temporary, file });
                    self.incomplete = false;
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Puts the edited file in the place of the old one, which is kept under another name where there is a suffix.
    pub(super) fn finish(&mut self, suffix: &[u8]) -> io::Result<()> {
        let Some(Edited { path, temporary, mut file }) = self.edited.take() else { return Ok(()) };
        let finish = || {
            file.flush()?;
            drop(file);
            let info = file_info::read(&path, true)?;
            mode::set_mode(&temporary, info.mode)?;
            if !suffix.is_empty() {
                std::fs::rename(&path, kept_name(&path, suffix))?;
            }
            std::fs::rename(&temporary, &path)
        };
        let finished = finish();
        if finished.is_err() {
            let _ = std::fs::remove_file(&temporary);
        }
        finished
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        for output in &mut self.files {
            if let Target::File(file) = &mut output.target {
                file.flush()?;
            }
        }
        Ok(())
    }
}

/// The name for the old file: each `*` of the suffix is its name, without one the suffix is put behind.
fn kept_name(path: &Path, suffix: &[u8]) -> PathBuf {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    let mut kept = vec![];
    if suffix.contains(&b'*') {
        for byte in suffix {
            if *byte == b'*' { kept.extend(name) } else { kept.push(*byte) }
        }
    } else {
        kept.extend(name);
        kept.extend(suffix);
    }
    let kept = stepbox_tool::os_string(&kept);
    if suffix.contains(&b'/') { kept.into() } else { path.with_file_name(kept) }
}

/// Writes a text and its end, after the newline that the text before lacked.
fn put(output: &mut dyn Write, incomplete: &mut bool, text: &[u8], end: Option<u8>) -> io::Result<()> {
    if std::mem::replace(incomplete, end.is_none()) {
        output.write_all(b"\n")?;
    }
    output.write_all(text)?;
    end.map_or(Ok(()), |end| output.write_all(&[end]))
}
