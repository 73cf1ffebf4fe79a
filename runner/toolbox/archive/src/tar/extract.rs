use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use stepbox_tool::calendar::Moment;
use stepbox_tool::{Streams, describe, file_info};
use tar::{Archive, Entry, EntryType};

use super::names::{excluded, safe, selected, stripped};
use super::options::{Mode, Options};
use super::{Fault, Report, open};

/// Lists or unpacks an archive.
pub(super) fn read(options: &Options, streams: &mut Streams<'_>, report: &mut Report) -> Result<(), Fault> {
    let directory = options.directory.clone().unwrap_or_default();
    if let Some(directory) = &options.directory
        && !directory.is_dir()
    {
        return Err(Fault::Told(format!("{}: Cannot open: No such file or directory", directory.display())));
    }
    let Streams { input, output, errors } = streams;
    let source = open(options, &mut **input)?;
    let mut nothing = io::empty();
    let mut streams = Streams { input: &mut nothing, output: &mut **output, errors: &mut **errors };
    let mut archive = Archive::new(source);
    let mut unpacker = Unpacker {
        options,
        directory,
        report,
        links: HashSet::new(),
        later: vec![],
        told: vec![],
        found: vec![false; options.operands.len()],
        width: 19,
    };
    let broken = |error: io::Error| match error.kind() {
        io::ErrorKind::UnexpectedEof => Fault::Told("Unexpected EOF in archive".to_owned()),
        _ => Fault::Told(format!("This does not look like a tar archive ({})", describe(&error))),
    };
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        unpacker.entry(&mut entry, &mut streams)?;
    }
    unpacker.finish(&mut streams);
    Ok(())
}

struct Unpacker<'a> {
    options: &'a Options,
    directory: PathBuf,
    report: &'a mut Report,
    /// Links that were made here: nothing is written through them.
    links: HashSet<PathBuf>,
    /// Directories, whose modes and times are set at the end.
    later: Vec<(PathBuf, u32, u64)>,
    told: Vec<String>,
    found: Vec<bool>,
    /// The width of owner, group and size in a listing, which grows.
    width: usize,
}

impl Unpacker<'_> {
    fn entry(&mut self, entry: &mut Entry<'_, Box<dyn Read + '_>>, streams: &mut Streams<'_>) -> Result<(), Fault> {
        let mut name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if entry.header().entry_type() == EntryType::Directory && !name.ends_with('/') {
            name.push('/');
        }
        if excluded(&name, &self.options.exclude) {
            return Ok(());
        }
        if !self.options.operands.is_empty() {
            let wanted =
                self.options.operands.iter().position(|operand| selected(&name, &operand.name, self.options.wildcards));
            match wanted {
                Some(at) => self.found[at] = true,
                None => return Ok(()),
            }
        }
        if self.options.mode == Mode::List {
            return self.list(entry, &name, streams);
        }
        let Some(short) = stripped(&name, self.options.strip) else { return Ok(()) };
        if self.options.verbose > 0 {
            // Names go where the data do not.
            if self.options.to_output {
                let _ = writeln!(streams.errors, "{name}");
            } else if self.options.verbose > 1 {
                self.list(entry, &name, streams)?;
            } else {
                writeln!(streams.output, "{name}")?;
            }
        }
        if self.options.to_output {
            if entry.header().entry_type().is_file() {
                io::copy(entry, &mut streams.output)?;
            }
            return Ok(());
        }
        let (prefix, rest) = if self.options.absolute { ("", short.as_str()) } else { safe(&short) };
        if !prefix.is_empty() && !self.told.iter().any(|told| told == prefix) {
            streams.say("tar", &format!("Removing leading `{prefix}' from member names"));
            self.told.push(prefix.to_owned());
        }
        let rest = rest.trim_end_matches('/');
        if rest.is_empty() {
            return Ok(());
        }
        if let Err(message) = self.unpack(entry, rest) {
            self.report.complain(streams, &format!("{name}: {message}"));
        }
        Ok(())
    }

    /// Makes a member. The error is a message.
    fn unpack(&mut self, entry: &mut Entry<'_, Box<dyn Read + '_>>, name: &str) -> Result<(), String> {
        let path = self.directory.join(name);
        self.check(&path)?;
        let told = |what: &'static str| move |error: io::Error| format!("{what}: {}", describe(&error));
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            fs::create_dir_all(parent).map_err(told("Cannot mkdir"))?;
        }
        let mode = entry.header().mode().unwrap_or(0o644) & 0o7777;
        let mode = if self.options.permissions { mode } else { mode & !0o022 | mode & 0o022 };
        let time = entry.header().mtime().unwrap_or(0);
        let kind = entry.header().entry_type();
        let there = file_info::read(&path, false).ok();
        if kind == EntryType::Directory {
            if !there.as_ref().is_some_and(file_info::FileInfo::is_directory) {
                if there.is_some() {
                    fs::remove_file(&path).map_err(told("Cannot unlink"))?;
                }
                fs::create_dir(&path).map_err(told("Cannot mkdir"))?;
            }
            self.later.push((path, mode, time));
            return Ok(());
        }
        if let Some(there) = there {
            if self.options.skip_old {
                return Ok(());
            }
            if self.options.keep {
                return Err("Cannot open: File exists".to_owned());
            }
            let removed = if there.is_directory() { fs::remove_dir(&path) } else { fs::remove_file(&path) };
            removed.map_err(told("Cannot open"))?;
            self.links.remove(&path);
        }
        match kind {
            EntryType::Symlink => {
                let target = entry.link_name_bytes().ok_or("Cannot create symlink: no target")?;
                let target = String::from_utf8_lossy(&target).into_owned();
                rustix::fs::symlink(target.as_str(), &path)
                    .map_err(|error| format!("Cannot create symlink to '{target}': {}", describe(&error.into())))?;
                self.links.insert(path);
            }
            EntryType::Link => {
                let target = entry.link_name_bytes().ok_or("Cannot hard link: no target")?;
                let target = String::from_utf8_lossy(&target).into_owned();
                let inside = stripped(&target, self.options.strip).unwrap_or_default();
                let source = self.directory.join(safe(&inside).1);
                self.check(&source)?;
                if self.links.contains(&source) {
                    return Err(format!("Cannot hard link to '{target}': a symbolic link of the archive"));
                }
                fs::hard_link(&source, &path)
                    .map_err(|error| format!("Cannot hard link to '{target}': {}", describe(&error)))?;
            }
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                let mut file = File::create(&path).map_err(told("Cannot open"))?;
                io::copy(entry, &mut file).map_err(told("Cannot write"))?;
                stepbox_tool::mode::set_mode(&path, mode).map_err(told("Cannot change mode"))?;
                if !self.options.no_times {
                    file.set_modified(moment(time)).map_err(told("Cannot utime"))?;
                }
            }
            other => return Err(format!("members of kind {:?} are not supported", char::from(other.as_byte()))),
        }
        Ok(())
    }

    /// Refuses a path that leads through a link which this archive has made.
    fn check(&self, path: &Path) -> Result<(), String> {
        let through = path.ancestors().skip(1).find(|parent| self.links.contains(*parent));
        through.map_or(Ok(()), |link| Err(format!("Cannot open: leads through the symbolic link {}", link.display())))
    }

    fn list(
        &mut self,
        entry: &Entry<'_, Box<dyn Read + '_>>,
        name: &str,
        streams: &mut Streams<'_>,
    ) -> Result<(), Fault> {
        if self.options.verbose == 0 || (self.options.mode == Mode::Extract && self.options.verbose < 2) {
            writeln!(streams.output, "{name}")?;
            return Ok(());
        }
        let header = entry.header();
        let kind = match header.entry_type() {
            EntryType::Directory => 'd',
            EntryType::Symlink => 'l',
            EntryType::Link => 'h',
            EntryType::Char => 'c',
            EntryType::Block => 'b',
            EntryType::Fifo => 'p',
            _ => '-',
        };
        let mode = header.mode().unwrap_or(0);
        let text: String =
            (0..9).rev().map(|bit| if mode >> bit & 1 == 1 { ['x', 'w', 'r'][bit % 3] } else { '-' }).collect();
        let account = |name: Result<Option<&str>, _>, id: io::Result<u64>| match name {
            Ok(Some(name)) if !name.is_empty() && !self.options.numeric => name.to_owned(),
            _ => id.unwrap_or(0).to_string(),
        };
        let owners =
            format!("{}/{}", account(header.username(), header.uid()), account(header.groupname(), header.gid()));
        let size = if kind == '-' { header.entry_size().unwrap_or(0) } else { 0 }.to_string();
        self.width = self.width.max(owners.len() + 1 + size.len());
        let width = self.width - owners.len() - 1;
        let time = Moment::new(i64::try_from(header.mtime().unwrap_or(0)).unwrap_or(0), 0).minutes();
        let target = entry.link_name_bytes().map(|target| String::from_utf8_lossy(&target).into_owned());
        let link = match (kind, target) {
            ('l', Some(target)) => format!(" -> {target}"),
            ('h', Some(target)) => format!(" link to {target}"),
            _ => String::new(),
        };
        writeln!(streams.output, "{kind}{text} {owners} {size:>width$} {time} {name}{link}")?;
        Ok(())
    }

    fn finish(self, streams: &mut Streams<'_>) {
        for (path, mode, time) in self.later.into_iter().rev() {
            let done = stepbox_tool::mode::set_mode(&path, mode)
                .and_then(|()| if self.options.no_times { Ok(()) } else { set_directory_time(&path, time) });
            if let Err(error) = done {
                self.report.complain(streams, &format!("{}: Cannot change mode: {}", path.display(), describe(&error)));
            }
        }
        for (operand, found) in self.options.operands.iter().zip(&self.found) {
            if !found {
                self.report.complain(streams, &format!("{}: Not found in archive", operand.name));
            }
        }
    }
}

fn moment(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds.min(u64::from(u32::MAX)))
}

fn set_directory_time(path: &Path, seconds: u64) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};
    let time = Timespec { tv_sec: i64::try_from(seconds).unwrap_or(i64::MAX), tv_nsec: 0 };
    Ok(utimensat(CWD, path, &Timestamps { last_access: time, last_modification: time }, AtFlags::empty())?)
}
