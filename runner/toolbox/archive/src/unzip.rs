use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use stepbox_tool::options::{flag, parse, valued};
use stepbox_tool::{Streams, describe, glob};
use zip::read::ZipFile;
use zip::{CompressionMethod, ZipArchive};

/// Statuses of Info-ZIP.
const BAD: i32 = 2;
const NO_ARCHIVE: i32 = 9;
const USAGE: i32 = 10;
const NOT_MATCHED: i32 = 11;

struct Call {
    list: bool,
    names: bool,
    test: bool,
    to_output: bool,
    overwrite: bool,
    keep: bool,
    quiet: bool,
    junk_paths: bool,
    directory: PathBuf,
    wanted: Vec<String>,
    exclude: Vec<String>,
}

/// `unzip`: lists or unpacks an archive.
pub(crate) fn unzip(arguments: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    let mut words = vec![];
    let mut exclude = vec![];
    let mut excluding = false;
    for word in arguments {
        let text = word.to_string_lossy().into_owned();
        if text == "-x" {
            excluding = true;
        } else if excluding && !text.starts_with('-') {
            exclude.push(text);
        } else {
            excluding = false;
            words.push(word.clone());
        }
    }
    let known = [
        flag('l', ""),
        flag('Z', ""),
        flag('1', ""),
        flag('t', ""),
        flag('p', ""),
        flag('c', ""),
        flag('o', ""),
        flag('n', ""),
        flag('q', ""),
        flag('j', ""),
        flag('h', "help"),
        flag('X', ""),
        flag('K', ""),
        valued('d', ""),
    ];
    let parsed = match parse(&words, &known) {
        Ok(parsed) => parsed,
        Err(message) => {
            streams.say("unzip", &message);
            return Ok(USAGE);
        }
    };
    let mut operands = parsed.operands.iter().map(|operand| operand.to_string_lossy().into_owned());
    let Some(archive) = operands.next().filter(|_| !parsed.has('h')) else {
        streams.output.write_all(b"Usage: unzip [-lptonqj] [-Z1] ARCHIVE [NAME]... [-x NAME]... [-d DIR]\n")?;
        return Ok(if parsed.has('h') { 0 } else { USAGE });
    };
    if parsed.has('Z') && !parsed.has('1') {
        streams.say("unzip", "option `-Z` is not supported without `-1`");
        return Ok(USAGE);
    }
    let call = Call {
        list: parsed.has('l'),
        names: parsed.has('Z'),
        test: parsed.has('t'),
        to_output: parsed.has('p') || parsed.has('c'),
        overwrite: parsed.has('o'),
        keep: parsed.has('n'),
        quiet: parsed.has('q') || parsed.has('p'),
        junk_paths: parsed.has('j'),
        directory: PathBuf::from(parsed.value('d').unwrap_or_default()),
        wanted: operands.collect(),
        exclude,
    };
    let candidates = [archive.clone(), format!("{archive}.zip"), format!("{archive}.ZIP")];
    let Some((path, file)) =
        candidates.iter().find_map(|path| Some((path, File::open(path).ok().filter(|_| Path::new(path).is_file())?)))
    else {
        let text = format!("unzip:  cannot find or open {archive}, {archive}.zip or {archive}.ZIP.");
        let _ = writeln!(streams.errors, "{text}");
        return Ok(NO_ARCHIVE);
    };
    let mut zip = match ZipArchive::new(BufReader::new(file)) {
        Ok(zip) => zip,
        Err(error) => {
            let _ = writeln!(streams.errors, "[{path}]\n  End-of-central-directory signature not found.  ({error})");
            return Ok(NO_ARCHIVE);
        }
    };
    let header = !call.quiet && !call.names && !call.to_output;
    if header {
        writeln!(streams.output, "Archive:  {path}")?;
    }
    work(&call, path, &mut zip, streams)
}

fn work<R: Read + Seek>(
    call: &Call,
    archive: &str,
    zip: &mut ZipArchive<R>,
    streams: &mut Streams<'_>,
) -> io::Result<i32> {
    let mut matched = vec![false; call.wanted.len()];
    let (mut count, mut total, mut status) = (0, 0, 0);
    let mut links: Vec<PathBuf> = vec![];
    if call.list {
        writeln!(streams.output, "  Length      Date    Time    Name\n---------  ---------- -----   ----")?;
    }
    for at in 0..zip.len() {
        let mut entry = match zip.by_index(at) {
            Ok(entry) => entry,
            Err(error) => {
                let _ = writeln!(streams.errors, "error:  {error}");
                status = BAD;
                continue;
            }
        };
        let name = entry.name().map(std::borrow::Cow::into_owned).unwrap_or_default();
        let mut fits = call.wanted.is_empty();
        for (wanted, matched) in call.wanted.iter().zip(&mut matched) {
            if glob::matches(wanted, &name, false) {
                (*matched, fits) = (true, true);
            }
        }
        if !fits || call.exclude.iter().any(|pattern| glob::matches(pattern, &name, false)) {
            continue;
        }
        count += 1;
        total += entry.size();
        if call.names {
            writeln!(streams.output, "{name}")?;
        } else if call.list {
            let time = entry.last_modified().map_or_else(String::new, |time| {
                format!(
                    "{:04}-{:02}-{:02} {:02}:{:02}",
                    time.year(),
                    time.month(),
                    time.day(),
                    time.hour(),
                    time.minute()
                )
            });
            writeln!(streams.output, "{:>9}  {time:<16}   {name}", entry.size())?;
        } else if call.test {
            let sound = entry.is_dir() || io::copy(&mut entry, &mut io::sink()).is_ok();
            if !call.quiet {
                writeln!(streams.output, "    testing: {name:<22}   {}", if sound { "OK" } else { "bad CRC" })?;
            }
            if !sound {
                status = BAD;
            }
        } else if call.to_output {
            if !entry.is_dir() && io::copy(&mut entry, &mut streams.output).is_err() {
                status = BAD;
            }
        } else if let Err(message) = extract(call, &mut entry, &mut links, streams)? {
            let _ = writeln!(streams.errors, "{message}");
            status = BAD;
        }
    }
    if call.list {
        let files = if count == 1 { "1 file".to_owned() } else { format!("{count} files") };
        writeln!(streams.output, "---------                     -------\n{total:>9}                     {files}")?;
    }
    if call.test && !call.names && status == 0 {
        writeln!(streams.output, "No errors detected in compressed data of {archive}.")?;
    }
    for (wanted, _) in call.wanted.iter().zip(&matched).filter(|(_, matched)| !**matched) {
        let _ = writeln!(streams.errors, "caution: filename not matched:  {wanted}");
        status = if status == 0 { NOT_MATCHED } else { status };
    }
    Ok(status)
}

/// Makes one member. The inner error is a message.
fn extract<R: Read>(
    call: &Call,
    entry: &mut ZipFile<'_, R>,
    links: &mut Vec<PathBuf>,
    streams: &mut Streams<'_>,
) -> io::Result<Result<(), String>> {
    let name = entry.name().map(std::borrow::Cow::into_owned).unwrap_or_default();
    let Some(inner) = entry.enclosed_name() else {
        return Ok(Err(format!("warning:  skipped \"{name}\": leads out of the directory")));
    };
    let inner = if call.junk_paths {
        if entry.is_dir() {
            return Ok(Ok(()));
        }
        inner.file_name().map(PathBuf::from).unwrap_or_default()
    } else {
        inner
    };
    let path = call.directory.join(inner);
    if let Some(link) = path.ancestors().skip(1).find(|parent| links.iter().any(|link| link == parent)) {
        return Ok(Err(format!("error:  skipped \"{name}\": leads through the symbolic link {}", link.display())));
    }
    let shown = path.display().to_string();
    if entry.is_dir() {
        if path.is_dir() {
            return Ok(Ok(()));
        }
        if !call.quiet {
            writeln!(streams.output, "   creating: {}/", shown.trim_end_matches('/'))?;
        }
        return Ok(fs::create_dir_all(&path)
            .map_err(|error| format!("checkdir error:  cannot create {shown}: {}", describe(&error))));
    }
    let there = fs::symlink_metadata(&path).is_ok();
    if there && call.keep {
        return Ok(Ok(()));
    }
    if there && !call.overwrite {
        return Ok(Err(format!("error:  {shown} is there already; nobody can be asked here: -o replaces, -n keeps")));
    }
    if !call.quiet {
        let how = if entry.is_symlink() {
            "    linking"
        } else if entry.compression() == CompressionMethod::Stored {
            " extracting"
        } else {
            "  inflating"
        };
        // Padded, as Info-ZIP does it.
        writeln!(streams.output, "{how}: {shown:<22}  ")?;
    }
    Ok(write(entry, &path, there, links)
        .map_err(|error| format!("error:  cannot create {shown}: {}", describe(&error))))
}

fn write<R: Read>(entry: &mut ZipFile<'_, R>, path: &Path, there: bool, links: &mut Vec<PathBuf>) -> io::Result<()> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent)?;
    }
    if there {
        fs::remove_file(path)?;
        links.retain(|link| link != path);
    }
    if entry.is_symlink() {
        const LONGEST: u64 = 4096;
        let mut target = String::new();
        entry.take(LONGEST).read_to_string(&mut target)?;
        rustix::fs::symlink(target.as_str(), path)?;
        links.push(path.to_owned());
        return Ok(());
    }
    let mode = entry.unix_mode();
    let mut file = File::create(path)?;
    io::copy(entry, &mut file)?;
    if let Some(mode) = mode {
        stepbox_tool::mode::set_mode(path, mode & 0o777)?;
    }
    Ok(())
}
