use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use stepbox_tool::file_info::{self, FileInfo};
use stepbox_tool::{Streams, describe};
use tar::{Archive, Builder, EntryType, Header};

use super::names::{excluded, safe};
use super::options::{Mode, Options};
use super::{Fault, Report};
use crate::compression::Writer;

/// Makes an archive.
pub(super) fn create(options: &Options, streams: &mut Streams<'_>, report: &mut Report) -> Result<(), Fault> {
    if options.operands.is_empty() {
        return Err(Fault::Told("Cowardly refusing to create an empty archive".to_owned()));
    }
    match options.file.as_deref() {
        None | Some("-") => {
            let mut held = vec![];
            pack(options, streams, report, &mut held, true, HashMap::new())?;
            streams.output.write_all(&held)?;
            Ok(())
        }
        Some(path) => {
            let place = options.in_first_directory(path);
            let file = File::create(&place)
                .map_err(|error| Fault::Told(format!("{path}: Cannot open: {}", describe(&error))))?;
            let output = io::BufWriter::new(file);
            pack(options, streams, report, output, false, HashMap::new())
        }
    }
}

/// Adds to an archive that is there.
pub(super) fn append(options: &Options, streams: &mut Streams<'_>, report: &mut Report) -> Result<(), Fault> {
    let Some(path) = options.file.as_deref().filter(|path| *path != "-") else {
        return Err(Fault::Told("Options '-Aru' are incompatible with '-f -'".to_owned()));
    };
    if options.method.is_some() {
        return Err(Fault::Told("Cannot update compressed archives".to_owned()));
    }
    let told = |error: io::Error| Fault::Told(format!("{path}: Cannot open: {}", describe(&error)));
    let opened =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(options.in_first_directory(path));
    let mut file = opened.map_err(told)?;
    let mut end = 0;
    let mut known = HashMap::new();
    {
        let mut archive = Archive::new(BufReader::new(&file));
        for entry in archive.entries().map_err(told)? {
            let entry = entry.map_err(|error| Fault::Told(format!("{path}: {}", describe(&error))))?;
            let size = entry.header().entry_size().unwrap_or(0);
            end = entry.raw_file_position() + size.div_ceil(512) * 512;
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            known.insert(name, entry.header().mtime().unwrap_or(0));
        }
    }
    file.seek(SeekFrom::Start(end)).map_err(told)?;
    file.set_len(end).map_err(told)?;
    let known = if options.mode == Mode::Update { known } else { HashMap::new() };
    pack(options, streams, report, file, false, known)
}

/// Writes the members. `known` are times of members that are not to be added where they are as new.
fn pack<W: Write>(
    options: &Options,
    streams: &mut Streams<'_>,
    report: &mut Report,
    output: W,
    quiet_output: bool,
    known: HashMap<String, u64>,
) -> Result<(), Fault> {
    let writer = Writer::new(options.method, 6, output)?;
    let mut packer = Packer {
        options,
        builder: Builder::new(writer),
        report,
        names_to_errors: quiet_output,
        linked: HashMap::new(),
        stripped: vec![],
        known,
        archive: options.file.as_deref().and_then(|path| file_info::read(&options.in_first_directory(path), true).ok()),
    };
    packer.builder.mode(tar::HeaderMode::Complete);
    for operand in &options.operands {
        let place = operand
            .directory
            .as_ref()
            .map_or_else(|| PathBuf::from(&operand.name), |directory| directory.join(&operand.name));
        packer.add(&place, &operand.name, streams, 0)?;
    }
    let writer = packer.builder.into_inner()?;
    // GNU fills up records of 10 KiB; readers do not need that.
    writer.finish()?.flush()?;
    Ok(())
}

struct Packer<'a, W: Write> {
    options: &'a Options,
    builder: Builder<Writer<W>>,
    report: &'a mut Report,
    names_to_errors: bool,
    /// Names of files that have several, by device and number.
    linked: HashMap<(u64, u64), String>,
    /// What was taken from the beginning of names, to be told once.
    stripped: Vec<String>,
    known: HashMap<String, u64>,
    archive: Option<FileInfo>,
}

impl<W: Write> Packer<'_, W> {
    fn add(&mut self, place: &Path, name: &str, streams: &mut Streams<'_>, depth: usize) -> Result<(), Fault> {
        const MAX_DEPTH: usize = 1024;
        if excluded(name, &self.options.exclude) && depth + name.len() > 0 {
            return Ok(());
        }
        let info = match file_info::read(place, self.options.follow) {
            Ok(info) => info,
            Err(error) => {
                self.report.complain(streams, &format!("{name}: Cannot stat: {}", describe(&error)));
                return Ok(());
            }
        };
        if self.archive.as_ref().is_some_and(|archive| (archive.device, archive.inode) == (info.device, info.inode)) {
            streams.say("tar", &format!("{name}: file is the archive; not dumped"));
            return Ok(());
        }
        let directory = info.is_directory();
        let mut member = self.member_name(name, streams);
        if directory && !member.ends_with('/') {
            member.push('/');
        }
        let seconds = u64::try_from(info.modified.0).unwrap_or(0);
        let old = self.known.get(&member).is_some_and(|time| *time >= seconds);
        if !member.trim_matches('/').is_empty() && (directory || !old) {
            self.write(place, &member, &info, streams)?;
        }
        if !directory || !self.options.recurse {
            return Ok(());
        }
        if depth >= MAX_DEPTH {
            self.report.complain(streams, &format!("{name}: nested deeper than {MAX_DEPTH} directories"));
            return Ok(());
        }
        let entries = match file_info::entries(place) {
            Ok(entries) => entries,
            Err(error) => {
                self.report.complain(streams, &format!("{name}: Cannot open: {}", describe(&error)));
                return Ok(());
            }
        };
        for entry in entries {
            let last = entry.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            self.add(&entry, &format!("{}/{last}", name.trim_end_matches('/')), streams, depth + 1)?;
        }
        if self.options.remove {
            // What could not be read was told.
            let _ = fs::remove_dir(place);
        }
        Ok(())
    }

    /// The name in the archive: nothing in it leads out of where it is unpacked.
    fn member_name(&mut self, name: &str, streams: &mut Streams<'_>) -> String {
        if self.options.absolute {
            return name.to_owned();
        }
        let (prefix, rest) = safe(name);
        if !prefix.is_empty() && !self.stripped.iter().any(|told| told == prefix) {
            streams.say("tar", &format!("Removing leading `{prefix}' from member names"));
            self.stripped.push(prefix.to_owned());
        }
        if rest.is_empty() { ".".to_owned() } else { rest.to_owned() }
    }

    fn write(&mut self, place: &Path, member: &str, info: &FileInfo, streams: &mut Streams<'_>) -> Result<(), Fault> {
        let mut header = Header::new_gnu();
        let mode = match &self.options.modes {
            Some(change) => stepbox_tool::mode::apply(change, info.mode, info.is_directory())
                .ok_or_else(|| Fault::Told(format!("Invalid mode given on option: `{change}`")))?,
            None => info.mode,
        };
        header.set_mode(mode);
        let (owner, uid) = self.options.owner.clone().unwrap_or_else(|| ("root".to_owned(), 0));
        let (group, gid) = self.options.group.clone().unwrap_or_else(|| ("root".to_owned(), 0));
        header.set_uid(uid);
        header.set_gid(gid);
        if !self.options.numeric {
            header.set_username(&owner)?;
            header.set_groupname(&group)?;
        }
        header.set_mtime(self.options.time.unwrap_or_else(|| u64::try_from(info.modified.0).unwrap_or(0)));
        header.set_size(0);
        let told = |error: &io::Error| format!("{member}: {}", describe(error));
        let first = self.linked.get(&(info.device, info.inode)).cloned();
        let result = match info.letter() {
            'd' => {
                header.set_entry_type(EntryType::Directory);
                self.builder.append_data(&mut header, member, io::empty())
            }
            'l' => {
                header.set_entry_type(EntryType::Symlink);
                match fs::read_link(place) {
                    Ok(target) => self.builder.append_link(&mut header, member, target),
                    Err(error) => {
                        self.report.complain(streams, &told(&error));
                        return Ok(());
                    }
                }
            }
            'f' if first.is_some() => {
                header.set_entry_type(EntryType::Link);
                self.builder.append_link(&mut header, member, first.unwrap_or_default())
            }
            'f' => {
                if info.links > 1 {
                    self.linked.insert((info.device, info.inode), member.to_owned());
                }
                let file = match File::open(place) {
                    Ok(file) => file,
                    Err(error) => {
                        self.report.complain(streams, &format!("{member}: Cannot open: {}", describe(&error)));
                        return Ok(());
                    }
                };
                header.set_entry_type(EntryType::Regular);
                header.set_size(info.size);
                // A file that shrinks while it is read is filled up, one that grows is cut.
                let data = io::Read::chain(file, io::repeat(0));
                self.builder.append_data(&mut header, member, io::Read::take(data, info.size))
            }
            _ => {
                streams.say("tar", &format!("{member}: socket or device ignored"));
                return Ok(());
            }
        };
        result?;
        if self.options.verbose > 0 {
            if self.names_to_errors {
                let _ = writeln!(streams.errors, "{member}");
            } else {
                writeln!(streams.output, "{member}")?;
            }
        }
        if self.options.remove
            && !info.is_directory()
            && let Err(error) = fs::remove_file(place)
        {
            self.report.complain(streams, &format!("{member}: Cannot unlink: {}", describe(&error)));
        }
        Ok(())
    }
}
