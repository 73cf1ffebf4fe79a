//! Redirections (XCU 2.7).

use stepbox_system::{ExitStatus, FileKind, OpenFile, OpenOptions, VirtualPath, error_text};

use super::{Flow, Shell};
use crate::config::Mode;
use crate::ir::{Descriptor, Redirect, RedirectKind, Word};
use crate::memory_file::MemoryFile;

/// Descriptors are below this.
const MAX_DESCRIPTOR: u32 = 1024;

/// What a redirection does, or why it cannot.
pub(crate) type Redirected = Result<(), String>;

/// What redirections have replaced, in order.
pub(crate) type SavedFiles = Vec<(u32, Option<OpenFile>)>;

impl Shell {
    /// Carries redirections out, in order, on the shell's own descriptors; `saved` takes what was there before.
    pub(crate) fn redirect_all(&mut self, redirects: &[Redirect], saved: &mut SavedFiles) -> Result<Redirected, Flow> {
        for redirect in redirects {
            match self.redirect(redirect, saved) {
                Ok(Ok(())) => {}
                Ok(Err(message)) => return Ok(Err(message)),
                Err(flow) => {
                    self.restore_files(std::mem::take(saved));
                    return Err(flow);
                }
            }
        }
        Ok(Ok(()))
    }

    /// Puts descriptors back as they were. Others that `exec` has opened meanwhile stay.
    pub(crate) fn restore_files(&mut self, saved: SavedFiles) {
        for (number, file) in saved.into_iter().rev() {
            self.set_file(number, file);
        }
    }

    fn replace_file(&mut self, number: u32, file: Option<OpenFile>, saved: &mut SavedFiles) {
        saved.push((number, self.state.files.get(&number).cloned()));
        self.set_file(number, file);
    }

    /// The status of a command whose redirection fails.
    pub(super) fn redirection_failure(&self) -> ExitStatus {
        match self.context.mode {
            Mode::Sh => ExitStatus::USAGE,
            Mode::Bash => ExitStatus::FAILURE,
        }
    }

    /// The descriptor that a redirection is about: what stands before it, else `default`. A free one is bash's `{name}`, and
    /// stays open.
    fn target(&mut self, fd: &Descriptor, default: u32) -> Result<(u32, bool), String> {
        match fd {
            Descriptor::Default => Ok((default, false)),
            Descriptor::Number(number) => Ok((*number, false)),
            Descriptor::Variable(name) => {
                let free = (10..MAX_DESCRIPTOR).find(|number| !self.state.files.contains_key(number));
                let number = free.ok_or_else(|| "no descriptor is free".to_owned())?;
                self.assign(name, number.to_string().into_bytes())?;
                Ok((number, true))
            }
        }
    }

    /// Puts a file where a redirection wants it.
    fn place(&mut self, fd: &Descriptor, default: u32, file: Option<OpenFile>, saved: &mut SavedFiles) -> Redirected {
        let (number, stays) = self.target(fd, default)?;
        if stays {
            self.set_file(number, file);
        } else {
            self.replace_file(number, file, saved);
        }
        Ok(())
    }

    fn redirect(&mut self, redirect: &Redirect, saved: &mut SavedFiles) -> Result<Redirected, Flow> {
        let umask = self.state.umask;
        let (default, word, options) = match &redirect.kind {
            RedirectKind::Read(word) => (0, word, OpenOptions::reading()),
            RedirectKind::ReadWrite(word) => (0, word, OpenOptions::reading_and_writing(umask)),
            RedirectKind::Write(word) => (1, word, OpenOptions::writing(umask)),
            RedirectKind::Clobber(word) => (1, word, OpenOptions::writing(umask)),
            RedirectKind::Append(word) => (1, word, OpenOptions::appending(umask)),
            RedirectKind::Duplicate { word, output } => return self.duplicate(&redirect.fd, word, *output, saved),
            RedirectKind::Both { word, append } => {
                let options = if *append { OpenOptions::appending(umask) } else { OpenOptions::writing(umask) };
                let keep = !append && self.options().noclobber && self.is_bash();
                let opened = if keep { self.open_new(word)? } else { self.open(word, &options)? };
                return Ok(opened.map(|file| {
                    self.replace_file(1, Some(file.clone()), saved);
                    self.replace_file(2, Some(file), saved);
                }));
            }
            RedirectKind::HereDocument(body) => {
                let text = match body.get() {
                    Some(body) => self.expand_text(body)?,
                    None => vec![],
                };
                return Ok(self.place(&redirect.fd, 0, Some(OpenFile::new(MemoryFile::holding(text))), saved));
            }
            RedirectKind::HereString(word) => {
                let mut text = self.expand_text(word)?;
                text.push(b'\n');
                return Ok(self.place(&redirect.fd, 0, Some(OpenFile::new(MemoryFile::holding(text))), saved));
            }
        };
        let keep = matches!(redirect.kind, RedirectKind::Write(_)) && self.options().noclobber;
        let opened = if keep { self.open_new(word)? } else { self.open(word, &options)? };
        Ok(opened.and_then(|file| self.place(&redirect.fd, default, Some(file), saved)))
    }

    fn duplicate(
        &mut self,
        fd: &Descriptor,
        word: &Word,
        output: bool,
        saved: &mut SavedFiles,
    ) -> Result<Redirected, Flow> {
        let text = match self.target_text(word)? {
            Ok(text) => text,
            Err(message) => return Ok(Err(message)),
        };
        if text == b"-" {
            return Ok(self.close(fd, u32::from(output), saved));
        }
        // `2>&1-` moves, in bash.
        let moves = text.strip_suffix(b"-").filter(|_| self.context.mode == Mode::Bash);
        let number = std::str::from_utf8(moves.unwrap_or(&text)).ok().and_then(|text| text.parse::<u32>().ok());
        let Some(number) = number else {
            let shown = String::from_utf8_lossy(&text);
            // `>& file` is csh's way that ash and bash know too.
            if output && *fd == Descriptor::Default {
                let options = OpenOptions::writing(self.state.umask);
                return Ok(self.open_path(&text, &options).map(|file| {
                    self.replace_file(1, Some(file.clone()), saved);
                    self.replace_file(2, Some(file), saved);
                }));
            }
            return Ok(Err(match self.context.mode {
                Mode::Sh => format!("{shown}: Bad file descriptor"),
                Mode::Bash => format!("{shown}: ambiguous redirect"),
            }));
        };
        let Some(file) = self.state.files.get(&number).cloned() else {
            return Ok(Err(format!("{number}: Bad file descriptor")));
        };
        let placed = self.place(fd, u32::from(output), Some(file), saved);
        if placed.is_ok() && moves.is_some() && *fd != Descriptor::Number(number) {
            self.replace_file(number, None, saved);
        }
        Ok(placed)
    }

    /// `>&-`; of `{name}>&-`, the descriptor whose number the variable holds, for good.
    fn close(&mut self, fd: &Descriptor, default: u32, saved: &mut SavedFiles) -> Redirected {
        match fd {
            Descriptor::Default => self.replace_file(default, None, saved),
            Descriptor::Number(number) => self.replace_file(*number, None, saved),
            Descriptor::Variable(name) => {
                let value = self.get(name).unwrap_or_default();
                let number = std::str::from_utf8(&value).ok().and_then(|text| text.parse::<u32>().ok());
                let shown = String::from_utf8_lossy(name).into_owned();
                let number = number.ok_or_else(|| format!("{shown}: Bad file descriptor"))?;
                self.set_file(number, None);
            }
        }
        Ok(())
    }

    fn open(&mut self, word: &Word, options: &OpenOptions) -> Result<Result<OpenFile, String>, Flow> {
        Ok(self.target_text(word)?.and_then(|text| self.open_path(&text, options)))
    }

    /// What a redirection is to. In bash it is expanded as a command's word is, and must be one.
    fn target_text(&mut self, word: &Word) -> Result<Result<Vec<u8>, String>, Flow> {
        if !self.is_bash() {
            return Ok(Ok(self.expand_text(word)?));
        }
        let mut fields = match self.expand_fields(std::slice::from_ref(word)) {
            Ok(fields) => fields,
            // It has been said, and only this command fails.
            Err(Flow::Discard(_)) => return Ok(Err(String::new())),
            Err(flow) => return Err(flow),
        };
        if fields.len() == 1 {
            return Ok(Ok(fields.remove(0)));
        }
        let text = self.expand_text(word)?;
        Ok(Err(format!("{}: ambiguous redirect", String::from_utf8_lossy(&text))))
    }

    /// `set -C`: what is there is not overwritten, unless it is no regular file.
    fn open_new(&mut self, word: &Word) -> Result<Result<OpenFile, String>, Flow> {
        let text = match self.target_text(word)? {
            Ok(text) => text,
            Err(message) => return Ok(Err(message)),
        };
        let mut options = OpenOptions::writing(self.state.umask);
        let special = self
            .path(&text)
            .is_ok_and(|path| self.vfs().metadata(&path, true).is_ok_and(|metadata| metadata.kind != FileKind::File));
        if !special {
            options.truncate = false;
            options.create_new = true;
        }
        Ok(self.open_path(&text, &options))
    }

    fn open_path(&self, text: &[u8], options: &OpenOptions) -> Result<OpenFile, String> {
        let shown = String::from_utf8_lossy(text).into_owned();
        if let Some(number) = own_descriptor(text) {
            return match self.state.files.get(&number) {
                Some(file) => Ok(file.clone()),
                None if self.is_bash() => Err(format!("{shown}: No such file or directory")),
                None => Err(format!("cannot open {shown}: No such file or directory")),
            };
        }
        let verb = match self.context.mode {
            Mode::Bash => "",
            Mode::Sh if options.create => "cannot create ",
            Mode::Sh => "cannot open ",
        };
        if text.is_empty() {
            return Err(format!("{verb}: No such file or directory"));
        }
        let opened = self
            .path(text)
            .map_err(|error| error.to_owned())
            .and_then(|path| self.vfs().open(&path, options).map_err(|error| error_text(&error)));
        opened.map_err(|error| match self.context.mode {
            Mode::Bash if options.create_new && error.starts_with("File exists") => {
                format!("{shown}: cannot overwrite existing file")
            }
            _ => format!("{verb}{shown}: {error}"),
        })
    }

    /// A path as a command of this shell means it.
    pub(crate) fn path(&self, text: &[u8]) -> Result<VirtualPath, &'static str> {
        self.state.cwd.join(text).map_err(|_| "No such file or directory")
    }
}

/// The descriptor that `/dev/stdin` and its like stand for.
pub(crate) fn own_descriptor(path: &[u8]) -> Option<u32> {
    match path {
        b"/dev/stdin" => Some(0),
        b"/dev/stdout" => Some(1),
        b"/dev/stderr" => Some(2),
        _ => std::str::from_utf8(path.strip_prefix(b"/dev/fd/")?).ok()?.parse().ok(),
    }
}
