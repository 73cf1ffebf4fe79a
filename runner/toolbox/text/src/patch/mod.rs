mod apply;
mod parse;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

use stepbox_tool::options::{Parsed, flag, parse as parse_options, valued};
use stepbox_tool::{Streams, describe, mode, read_whole};

use self::apply::{Fate, Target, Tolerance};
use self::parse::{FilePatch, Hunk, Kind};

/// The status where something went wrong.
const TROUBLE: i32 = 2;

/// `patch`: 0 where all was applied, 1 where hunks were rejected, 2 where something went wrong.
pub(crate) fn patch(arguments: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    let known = [
        flag('b', "backup"),
        flag('\u{1}', "binary"),
        flag('\u{2}', "dry-run"),
        flag('\u{3}', "backup-if-mismatch"),
        flag('\u{4}', "no-backup-if-mismatch"),
        flag('\u{5}', "verbose"),
        valued('d', "directory"),
        flag('E', "remove-empty-files"),
        flag('f', "force"),
        valued('F', "fuzz"),
        valued('i', "input"),
        flag('l', "ignore-whitespace"),
        flag('n', "normal"),
        flag('N', "forward"),
        valued('o', "output"),
        valued('p', "strip"),
        valued('r', "reject-file"),
        flag('R', "reverse"),
        flag('s', "quiet"),
        flag('s', "silent"),
        flag('t', "batch"),
        flag('u', "unified"),
        valued('z', "suffix"),
    ];
    let read = |streams: &mut Streams<'_>| -> Result<(Request, Vec<FilePatch>), String> {
        let parsed = parse_options(arguments, &known)?;
        let request = Request::new(parsed)?;
        let input = request.input.clone().unwrap_or_else(|| PathBuf::from("-"));
        let name = input.as_os_str().as_encoded_bytes();
        let text = read_whole(name, streams.input);
        let text = text.map_err(|error| format!("can't open patch file {}: {}", input.display(), describe(&error)))?;
        let patches = parse::parse(&text)?;
        Ok((request, patches))
    };
    let (request, patches) = match read(streams) {
        Ok(read) => read,
        Err(message) => {
            streams.say("patch", &format!("**** {message}"));
            return Ok(TROUBLE);
        }
    };
    let mut status = 0;
    for patch in patches {
        let patch = if request.reverse { patch.reversed() } else { patch };
        match request.file(patch, streams)? {
            Ok(one) => status = status.max(one),
            Err(message) => {
                streams.say("patch", &format!("**** {message}"));
                return Ok(TROUBLE);
            }
        }
    }
    Ok(status)
}

struct Request {
    parsed: Parsed,
    /// The directory in which everything is.
    directory: PathBuf,
    /// The patch; nothing: standard input.
    input: Option<PathBuf>,
    /// How many directories are taken from names; nothing: all.
    strip: Option<usize>,
    tolerance: Tolerance,
    reverse: bool,
    dry: bool,
}

impl Request {
    /// The error is a message.
    fn new(parsed: Parsed) -> Result<Self, String> {
        let number = |letter: char| {
            let text = parsed.value(letter);
            text.map(|text| text.parse::<usize>().map_err(|_| format!("`{text}` is no number"))).transpose()
        };
        let directory = PathBuf::from(parsed.value('d').unwrap_or_default());
        let named = parsed.value('i').map(OsString::from).or_else(|| parsed.operands.get(1).cloned());
        if let Some(extra) = parsed.operands.get(2) {
            return Err(format!("extra operand '{}'", extra.to_string_lossy()));
        }
        Ok(Self {
            input: named.filter(|name| name != "-").map(|name| directory.join(name)),
            strip: number('p')?,
            tolerance: Tolerance { fuzz: number('F')?.unwrap_or(2), blanks: parsed.has('l') },
            reverse: parsed.has('R'),
            dry: parsed.has('\u{2}'),
            directory,
            parsed,
        })
    }

    /// A name of the patch without what is stripped; nothing where it names no file below this directory.
    fn name(&self, written: Option<&String>) -> Option<String> {
        let written = written.filter(|name| *name != "/dev/null")?;
        let name = match self.strip {
            None => written.rsplit('/').next().unwrap_or_default().to_owned(),
            Some(0) => written.clone(),
            Some(count) => {
                let parts: Vec<&str> = written.split('/').filter(|part| !part.is_empty()).collect();
                // Slashes at the beginning count as one directory.
                let absolute = usize::from(written.starts_with('/'));
                parts.get(count - absolute.min(count)..).filter(|rest| !rest.is_empty())?.join("/")
            }
        };
        let safe = Path::new(&name).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        (safe && !name.is_empty()).then_some(name)
    }

    /// Which file a patch is for: the best of the names of files that are there, or the new name.
    fn target(&self, patch: &FilePatch) -> Option<String> {
        let names: Vec<String> =
            [&patch.old, &patch.new, &patch.index].into_iter().filter_map(|name| self.name(name.as_ref())).collect();
        let there = names.iter().filter(|name| self.directory.join(name).exists());
        let rank = |name: &&String| (name.split('/').count(), name.rsplit('/').next().map_or(0, str::len), name.len());
        let best = there.min_by_key(rank);
        best.cloned().or_else(|| if patch.creates { self.name(patch.new.as_ref()) } else { None })
    }

    /// Patches one file: the status, or a message about what ends everything.
    fn file(&self, patch: FilePatch, streams: &mut Streams<'_>) -> io::Result<Result<i32, String>> {
        let name = match self.parsed.operands.first() {
            Some(operand) => Some(operand.to_string_lossy().into_owned()),
            None => self.target(&patch),
        };
        let Some(name) = name else {
            let written = patch.new.as_ref().or(patch.old.as_ref()).map_or("?", String::as_str);
            let count = patch.hunks.len();
            writeln!(streams.output, "can't find file to patch: `{written}`\nSkipping patch.")?;
            writeln!(streams.output, "{count} out of {count} hunk{} ignored", plural(count))?;
            return Ok(Ok(1));
        };
        let path = self.directory.join(&name);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound && patch.creates => vec![],
            Err(error) => return Ok(Err(format!("can't read {name}: {}", describe(&error)))),
        };
        let renamed = patch.renames.then(|| self.name(patch.new.as_ref())).flatten();
        if !self.parsed.has('s') {
            let verb = if self.dry { "checking" } else { "patching" };
            match (&renamed, self.parsed.value('o')) {
                (Some(new), _) => writeln!(streams.output, "{verb} file {new} (renamed from {name})")?,
                (None, Some(other)) if other != "-" => {
                    writeln!(streams.output, "{verb} file {other} (read from {name})")?
                }
                (None, Some(_)) => {}
                (None, None) => writeln!(streams.output, "{verb} file {name}")?,
            }
        }
        let mut work = Work { request: self, patch, name, path, text, renamed };
        work.run(streams)
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// The patch of one file at work.
struct Work<'a> {
    request: &'a Request,
    patch: FilePatch,
    name: String,
    path: PathBuf,
    text: Vec<u8>,
    renamed: Option<String>,
}

impl Work<'_> {
    fn run(&mut self, streams: &mut Streams<'_>) -> io::Result<Result<i32, String>> {
        let parsed = &self.request.parsed;
        let tolerance = self.request.tolerance;
        // Where the first hunk does not fit but its reverse does, the patch was applied before.
        let again = match self.patch.hunks.first() {
            Some(hunk) if !parsed.has('f') => self.was_applied(hunk),
            _ => false,
        };
        if again {
            let what = if self.request.reverse { "Unreversed" } else { "Reversed (or previously applied)" };
            if parsed.has('t') {
                let action = if self.request.reverse { "Ignoring" } else { "Assuming" };
                writeln!(streams.output, "{what} patch detected!  {action} -R.")?;
                self.patch = std::mem::take(&mut self.patch).reversed();
            } else {
                writeln!(streams.output, "{what} patch detected!  Skipping patch.")?;
                let all: Vec<Hunk> = std::mem::take(&mut self.patch.hunks);
                return self.reject(&all, all.len(), "ignored", streams).map(|told| told.map(|()| 1));
            }
        }
        let (mut rejected, mut inexact) = (vec![], false);
        let text = std::mem::take(&mut self.text);
        let mut target = Target::new(&text);
        for (at, hunk) in self.patch.hunks.iter().enumerate() {
            let number = at + 1;
            let fate = target.apply(hunk, tolerance);
            inexact |= !matches!(fate, Fate::Applied { offset: 0, fuzz: 0, .. });
            match fate {
                Fate::Applied { offset: 0, fuzz: 0, .. } => {}
                Fate::Applied { line, offset, fuzz } if !parsed.has('s') => {
                    write!(streams.output, "Hunk #{number} succeeded at {line}")?;
                    if fuzz > 0 {
                        write!(streams.output, " with fuzz {fuzz}")?;
                    }
                    if offset != 0 {
                        let lines = if offset == 1 { "line" } else { "lines" };
                        write!(streams.output, " (offset {offset} {lines})")?;
                    }
                    writeln!(streams.output, ".")?;
                }
                Fate::Applied { .. } => {}
                Fate::Failed { line } => {
                    if !parsed.has('s') {
                        writeln!(streams.output, "Hunk #{number} FAILED at {line}.")?;
                    }
                    rejected.push(hunk.clone());
                }
            }
        }
        let result = target.finish();
        let total = self.patch.hunks.len();
        if !self.request.dry
            && let Err(error) = self.write(&text, &result, inexact, rejected.is_empty(), streams)
        {
            return Ok(Err(format!("can't write {}: {}", self.name, describe(&error))));
        }
        if rejected.is_empty() {
            return Ok(Ok(0));
        }
        self.reject(&rejected, total, "FAILED", streams).map(|told| told.map(|()| 1))
    }

    fn was_applied(&self, first: &Hunk) -> bool {
        let back = first.reversed();
        let fits =
            |hunk: &Hunk, tolerance| matches!(Target::new(&self.text).apply(hunk, tolerance), Fate::Applied { .. });
        for fuzz in 0..=self.request.tolerance.fuzz {
            let tolerance = Tolerance { fuzz, ..self.request.tolerance };
            if fits(first, tolerance) {
                return false;
            }
            if back.before().next().is_some() && fits(&back, tolerance) {
                return true;
            }
        }
        false
    }

    fn write(
        &self,
        before: &[u8],
        after: &[u8],
        inexact: bool,
        whole: bool,
        streams: &mut Streams<'_>,
    ) -> io::Result<()> {
        let parsed = &self.request.parsed;
        if let Some(name) = parsed.value('o') {
            return match name {
                "-" => streams.output.write_all(after),
                name => std::fs::write(self.request.directory.join(name), after),
            };
        }
        let backup = parsed.has('b') || (inexact && !parsed.has('\u{4}'));
        if backup {
            let suffix = parsed.value('z').unwrap_or(".orig");
            std::fs::write(self.request.directory.join(format!("{}{suffix}", self.name)), before)?;
        }
        let new = self.renamed.as_ref().map(|name| self.request.directory.join(name));
        let path = new.as_ref().unwrap_or(&self.path);
        if after.is_empty() && whole && (self.patch.deletes || parsed.has('E')) {
            return std::fs::remove_file(&self.path);
        }
        if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            std::fs::create_dir_all(directory)?;
        }
        if new.is_some() {
            std::fs::rename(&self.path, path)?;
        }
        if before != after || !path.exists() {
            std::fs::write(path, after)?;
        }
        match self.patch.mode {
            Some(bits) => mode::set_mode(path, bits),
            None => Ok(()),
        }
    }

    /// Tells which hunks were not applied, and keeps them in a file.
    fn reject(
        &self,
        hunks: &[Hunk],
        total: usize,
        word: &str,
        streams: &mut Streams<'_>,
    ) -> io::Result<Result<(), String>> {
        let name = self.request.parsed.value('r').map_or_else(|| format!("{}.rej", self.name), str::to_owned);
        write!(streams.output, "{} out of {total} hunk{} {word}", hunks.len(), plural(total))?;
        if self.request.dry || name == "-" {
            writeln!(streams.output)?;
            return Ok(Ok(()));
        }
        writeln!(streams.output, " -- saving rejects to file {name}")?;
        let mut text = self.patch.heads.concat();
        if text.is_empty() {
            text = format!("--- {0}\n+++ {0}\n", self.name).into_bytes();
        }
        for hunk in hunks {
            write_hunk(hunk, &mut text)?;
        }
        let written = std::fs::write(self.request.directory.join(&name), text);
        Ok(written.map_err(|error| format!("can't write {name}: {}", describe(&error))))
    }
}

fn write_hunk(hunk: &Hunk, text: &mut Vec<u8>) -> io::Result<()> {
    let range = |start: usize, count: usize| if count == 1 { start.to_string() } else { format!("{start},{count}") };
    let (old, new) = (hunk.before().count(), hunk.after().count());
    writeln!(text, "@@ -{} +{} @@", range(hunk.old_start, old), range(hunk.new_start, new))?;
    for (kind, line) in &hunk.lines {
        text.push(match kind {
            Kind::Same => b' ',
            Kind::Old => b'-',
            Kind::New => b'+',
        });
        text.extend(line);
        if !line.ends_with(b"\n") {
            text.extend(b"\n\\ No newline at end of file\n");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
