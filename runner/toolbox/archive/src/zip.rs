use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Cursor, Read, Write};
use std::path::Path;

use stepbox_tool::calendar::Moment;
use stepbox_tool::file_info::{self, FileInfo};
use stepbox_tool::options::{flag, parse, valued};
use stepbox_tool::{Streams, describe, glob};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

/// Statuses of Info-ZIP.
const NOTHING: i32 = 12;
const USAGE: i32 = 16;
const CANNOT_OPEN: i32 = 18;
const BAD_ARCHIVE: i32 = 3;
const WRITE: i32 = 15;

struct Call {
    recursive: bool,
    quiet: bool,
    junk_paths: bool,
    /// Links as they are.
    links: bool,
    no_directories: bool,
    moved: bool,
    level: i64,
    exclude: Vec<String>,
    include: Vec<String>,
}

/// A file to be put in, by its name in the archive.
struct Member {
    info: FileInfo,
    data: Vec<u8>,
}

/// `zip`: puts files into an archive, or anew into one that is there.
pub(crate) fn zip(arguments: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    // The lists of -x and -i end at the next option.
    let mut words = vec![];
    let (mut exclude, mut include) = (vec![], vec![]);
    let mut list: Option<&mut Vec<String>> = None;
    for word in arguments {
        let text = word.to_string_lossy().into_owned();
        match (text.as_str(), &mut list) {
            ("-x" | "--exclude", _) => list = Some(&mut exclude),
            ("-i" | "--include", _) => list = Some(&mut include),
            ("@", Some(_)) => list = None,
            (option, Some(names)) if !option.starts_with('-') => names.push(text),
            _ => {
                list = None;
                words.push(word.clone());
            }
        }
    }
    let known = [
        flag('r', "recurse-paths"),
        flag('q', "quiet"),
        flag('j', "junk-paths"),
        flag('y', "symlinks"),
        flag('D', "no-dir-entries"),
        flag('m', "move"),
        flag('v', "verbose"),
        flag('X', "no-extra"),
        flag('h', "help"),
        flag('@', "names-stdin"),
        flag('0', ""),
        flag('1', ""),
        flag('2', ""),
        flag('3', ""),
        flag('4', ""),
        flag('5', ""),
        flag('6', ""),
        flag('7', ""),
        flag('8', ""),
        flag('9', ""),
        valued('O', "output-file"),
    ];
    let parsed = match parse(&words, &known) {
        Ok(parsed) => parsed,
        Err(message) => return refuse(streams, &format!("Invalid command arguments ({message})"), USAGE),
    };
    if parsed.has('h') {
        streams.output.write_all(b"zip [-rqjyDmX0-9] [-x PATTERN...] [-i PATTERN...] ARCHIVE FILE...\n")?;
        return Ok(0);
    }
    let level = parsed.options.iter().rev().find_map(|(letter, _)| letter.to_digit(10));
    let call = Call {
        recursive: parsed.has('r'),
        quiet: parsed.has('q'),
        junk_paths: parsed.has('j'),
        links: parsed.has('y'),
        no_directories: parsed.has('D') || parsed.has('j'),
        moved: parsed.has('m'),
        level: level.map_or(6, i64::from),
        exclude,
        include,
    };
    let mut operands = parsed.operands.iter().map(|operand| operand.to_string_lossy().into_owned());
    let Some(archive) = operands.next() else {
        return refuse(streams, "Invalid command arguments (an archive is missing)", USAGE);
    };
    let mut names: Vec<String> = operands.collect();
    if parsed.has('@') {
        let mut text = String::new();
        streams.input.read_to_string(&mut text)?;
        names.extend(text.lines().map(str::to_owned));
    }
    let named = Path::new(&archive).file_name().is_some_and(|name| name.to_string_lossy().contains('.'));
    let archive = if named || archive == "-" { archive } else { format!("{archive}.zip") };
    work(&call, &archive, &names, streams)
}

fn refuse(streams: &mut Streams<'_>, message: &str, status: i32) -> io::Result<i32> {
    let _ = writeln!(streams.errors, "\nzip error: {message}");
    Ok(status)
}

fn work(call: &Call, archive: &str, names: &[String], streams: &mut Streams<'_>) -> io::Result<i32> {
    let mut members = vec![];
    let mut status = 0;
    for name in names {
        if name == "-" {
            let mut data = vec![];
            streams.input.read_to_end(&mut data)?;
            let mut info = file_info::read(Path::new("."), true)?;
            (info.mode, info.kind) = (0o600, rustix::fs::FileType::RegularFile);
            members.push(("-".to_owned(), Member { info, data }));
            continue;
        }
        if file_info::read(Path::new(name), true).is_err() && file_info::read(Path::new(name), false).is_err() {
            let _ = writeln!(streams.errors, "\tzip warning: name not matched: {name}");
            status = CANNOT_OPEN;
            continue;
        }
        if !gather(call, Path::new(name), name, archive, &mut members, streams, 0)? {
            status = CANNOT_OPEN;
        }
    }
    if members.is_empty() {
        return refuse(streams, &format!("Nothing to do! ({archive})"), NOTHING);
    }
    let old = match fs::read(archive) {
        Ok(data) if !data.is_empty() => match ZipArchive::new(Cursor::new(data)) {
            Ok(old) => Some(old),
            Err(_) => return refuse(streams, &format!("Zip file structure invalid ({archive})"), BAD_ARCHIVE),
        },
        _ => None,
    };
    match build(call, old, &members, streams) {
        Ok(data) => {
            if archive == "-" {
                streams.output.write_all(&data)?;
            } else if let Err(error) = fs::write(archive, data) {
                return refuse(
                    streams,
                    &format!("Could not create output file ({archive}): {}", describe(&error)),
                    WRITE,
                );
            }
        }
        Err(error) => return refuse(streams, &format!("{archive}: {error}"), WRITE),
    }
    if call.moved {
        for name in names.iter().filter(|name| *name != "-") {
            let removed = if Path::new(name).is_dir() { fs::remove_dir_all(name) } else { fs::remove_file(name) };
            if let Err(error) = removed {
                let _ = writeln!(streams.errors, "\tzip warning: could not remove {name}: {}", describe(&error));
            }
        }
    }
    Ok(status)
}

/// Finds what is to be put in; whether all could be read.
fn gather(
    call: &Call,
    place: &Path,
    name: &str,
    archive: &str,
    members: &mut Vec<(String, Member)>,
    streams: &mut Streams<'_>,
    depth: usize,
) -> io::Result<bool> {
    const MAX_DEPTH: usize = 256;
    let info = match file_info::read(place, !call.links).or_else(|_| file_info::read(place, false)) {
        Ok(info) if depth <= MAX_DEPTH => info,
        _ => return Ok(false),
    };
    let inner = name.trim_start_matches("./").trim_start_matches('/');
    let inner = if call.junk_paths {
        place.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned())
    } else {
        inner.to_owned()
    };
    let matches = |patterns: &[String]| patterns.iter().any(|pattern| glob::matches(pattern, &inner, false));
    let fits = (call.include.is_empty() || matches(&call.include)) && !matches(&call.exclude);
    if info.is_directory() {
        let shown = format!("{}/", inner.trim_end_matches('/'));
        let excluded = call.exclude.iter().any(|pattern| glob::matches(pattern, &shown, false));
        if !call.no_directories && fits && !excluded && !matches!(shown.as_str(), "/" | "./") {
            members.push((shown, Member { info, data: vec![] }));
        }
        let mut all = true;
        if call.recursive {
            for entry in file_info::entries(place)? {
                let last = entry.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                all &= gather(
                    call,
                    &entry,
                    &format!("{}/{last}", name.trim_end_matches('/')),
                    archive,
                    members,
                    streams,
                    depth + 1,
                )?;
            }
        }
        return Ok(all);
    }
    if !fits || Path::new(archive) == place {
        return Ok(true);
    }
    let data = if info.is_link() {
        fs::read_link(place).map(|target| target.to_string_lossy().into_owned().into_bytes())
    } else {
        fs::read(place)
    };
    match data {
        Ok(data) => {
            members.push((inner, Member { info, data }));
            Ok(true)
        }
        Err(error) => {
            let _ = writeln!(streams.errors, "\tzip warning: could not open for reading: {name}: {}", describe(&error));
            Ok(false)
        }
    }
}

/// The bytes of the archive: what was in it and is not new, and the new.
fn build(
    call: &Call,
    old: Option<ZipArchive<Cursor<Vec<u8>>>>,
    members: &[(String, Member)],
    streams: &mut Streams<'_>,
) -> zip::result::ZipResult<Vec<u8>> {
    let mut writer = ZipWriter::new(Cursor::new(vec![]));
    let new: BTreeMap<&str, ()> = members.iter().map(|(name, _)| (name.as_str(), ())).collect();
    let mut known = vec![];
    if let Some(mut old) = old {
        for at in 0..old.len() {
            let entry = old.by_index_raw(at)?;
            let name = entry.name()?.into_owned();
            if !new.contains_key(name.as_str()) {
                writer.raw_copy_file(entry)?;
            }
            known.push(name);
        }
    }
    let mut written: BTreeMap<&str, ()> = BTreeMap::new();
    for (name, member) in members {
        if written.insert(name, ()).is_some() {
            continue;
        }
        let time = time_of(&member.info);
        let options = SimpleFileOptions::default().last_modified_time(time).unix_permissions(member.info.mode);
        // What would not get smaller is stored.
        let smaller = (call.level > 0)
            .then(|| deflated_length(&member.data, call.level))
            .filter(|length| *length < member.data.len());
        let (method, percent) = match smaller {
            Some(length) => (CompressionMethod::Deflated, 100 - length * 100 / member.data.len().max(1)),
            None => (CompressionMethod::Stored, 0),
        };
        let options = options.compression_method(method);
        let options = if method == CompressionMethod::Deflated {
            options.compression_level(Some(call.level.max(1)))
        } else {
            options
        };
        if member.info.is_directory() {
            writer.add_directory(name.as_str(), options)?;
        } else if member.info.is_link() {
            writer.add_symlink(name.as_str(), String::from_utf8_lossy(&member.data), options)?;
        } else {
            writer.start_file(name.as_str(), options)?;
            writer.write_all(&member.data)?;
        }
        if !call.quiet {
            let what = if known.iter().any(|known| known == name) { "updating" } else { "  adding" };
            let how = if method == CompressionMethod::Deflated { "deflated" } else { "stored" };
            writeln!(streams.output, "{what}: {name} ({how} {percent}%)")?;
        }
    }
    Ok(writer.finish()?.into_inner())
}

fn deflated_length(data: &[u8], level: i64) -> usize {
    let level = flate2::Compression::new(u32::try_from(level).unwrap_or(6));
    let mut encoder = flate2::read::DeflateEncoder::new(data, level);
    let mut buffer = [0; 8192];
    let mut length = 0;
    while let Ok(count) = encoder.read(&mut buffer) {
        if count == 0 {
            break;
        }
        length += count;
    }
    length
}

fn time_of(info: &FileInfo) -> DateTime {
    let moment = Moment::new(info.modified.0, 0);
    let small = |value: i64| u8::try_from(value).unwrap_or(0);
    let year = u16::try_from(moment.year).unwrap_or(1980);
    let month = u8::try_from(moment.month).unwrap_or(1);
    DateTime::from_date_and_time(
        year,
        month,
        small(moment.day),
        small(moment.hour),
        small(moment.minute),
        small(moment.second),
    )
    .unwrap_or_default()
}
