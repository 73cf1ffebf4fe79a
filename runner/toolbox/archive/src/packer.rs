use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use stepbox_tool::options::{flag, parse, valued};
use stepbox_tool::{Streams, describe};

use crate::compression::{Method, Writer, reader};

/// A fault that leaves the rest to be done, as a message.
type Fault = String;

struct Call {
    /// The name it was called by.
    name: String,
    method: Method,
    expand: bool,
    test: bool,
    list: bool,
    to_output: bool,
    keep: bool,
    force: bool,
    quiet: bool,
    verbose: bool,
    recursive: bool,
    level: u32,
    suffix: Option<String>,
    output: Option<PathBuf>,
}

/// `gzip`, `bzip2`, `xz`, `zstd` and the names that expand: every file is replaced by its smaller or larger form.
pub(crate) fn pack(arguments: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    let name = arguments[0].to_string_lossy().into_owned();
    let (method, expand, to_output) = match name.as_str() {
        "gzip" => (Method::Gzip, false, false),
        "gunzip" => (Method::Gzip, true, false),
        "zcat" => (Method::Gzip, true, true),
        "bzip2" => (Method::Bzip2, false, false),
        "bunzip2" => (Method::Bzip2, true, false),
        "bzcat" => (Method::Bzip2, true, true),
        "xz" => (Method::Xz, false, false),
        "unxz" => (Method::Xz, true, false),
        "xzcat" => (Method::Xz, true, true),
        "zstd" => (Method::Zstd, false, false),
        "unzstd" => (Method::Zstd, true, false),
        _ => (Method::Zstd, true, true),
    };
    let known = [
        flag('c', "stdout"),
        flag('d', "decompress"),
        flag('z', "compress"),
        flag('k', "keep"),
        flag('f', "force"),
        flag('q', "quiet"),
        flag('v', "verbose"),
        flag('t', "test"),
        flag('l', "list"),
        flag('n', "no-name"),
        flag('r', "recursive"),
        flag('h', "help"),
        flag('V', "version"),
        flag('1', "fast"),
        flag('2', ""),
        flag('3', ""),
        flag('4', ""),
        flag('5', ""),
        flag('6', ""),
        flag('7', ""),
        flag('8', ""),
        flag('9', "best"),
        flag('0', ""),
        valued('S', "suffix"),
        valued('T', "threads"),
        valued('o', "output"),
        flag('\u{1}', "rm"),
        flag('\u{2}', "to-stdout"),
        flag('\u{3}', "uncompress"),
        flag('\u{4}', "no-progress"),
        flag('e', "extreme"),
    ];
    let parsed = match parse(arguments, &known) {
        Ok(parsed) => parsed,
        Err(message) => {
            streams.say(&name, &message);
            return Ok(1);
        }
    };
    if parsed.has('h') {
        writeln!(streams.output, "Usage: {name} [-cdfkqrtvz1-9] [-S SUFFIX] [FILE]...")?;
        return Ok(0);
    }
    if parsed.has('V') {
        writeln!(streams.output, "{name} (stepbox)")?;
        return Ok(0);
    }
    let zstd = method == Method::Zstd;
    let expand =
        (expand || parsed.has('d') || parsed.has('t') || parsed.has('l') || parsed.has('\u{3}')) && !parsed.has('z');
    let level = parsed.options.iter().rev().find_map(|(letter, _)| letter.to_digit(10));
    let call = Call {
        method,
        expand,
        test: parsed.has('t'),
        list: parsed.has('l'),
        to_output: to_output || parsed.has('c') || parsed.has('\u{2}'),
        // zstd keeps what it reads.
        keep: parsed.has('k') || (zstd && !parsed.has('\u{1}')),
        force: parsed.has('f'),
        quiet: parsed.has('q'),
        verbose: parsed.has('v'),
        recursive: parsed.has('r'),
        level: level.unwrap_or(if zstd {
            3
        } else if method == Method::Bzip2 {
            9
        } else {
            6
        }),
        suffix: parsed.value('S').map(str::to_owned),
        output: parsed.value('o').map(PathBuf::from),
        name,
    };
    if call.list && method != Method::Gzip {
        streams.say(&call.name, "option `-l` is not supported");
        return Ok(1);
    }
    if call.list {
        writeln!(streams.output, "         compressed        uncompressed  ratio uncompressed_name")?;
    }
    let mut status = 0;
    let operands = parsed.operands.clone();
    let operands = if operands.is_empty() { vec![OsString::from("-")] } else { operands };
    for operand in operands {
        let path = PathBuf::from(operand);
        let done = if path.as_os_str() == "-" { stream(&call, streams)? } else { one(&call, &path, streams, 0)? };
        match done {
            Ok(()) => {}
            Err((message, code)) => {
                if !call.quiet || code == 1 {
                    streams.say(&call.name, &message);
                }
                status = if status == 1 { 1 } else { code };
            }
        }
    }
    Ok(status)
}

/// An outcome: a fault with the status that it leads to (1 an error, 2 a warning).
type Done = Result<(), (Fault, i32)>;

fn stream(call: &Call, streams: &mut Streams<'_>) -> io::Result<Done> {
    let mut held = vec![];
    let input = &mut *streams.input;
    if call.expand {
        let mut source: Box<dyn Read> = match expanded(call, Box::new(input)) {
            Ok(source) => source,
            Err(error) => return Ok(Err((format!("stdin: {}", reason(call, &error)), 1))),
        };
        if call.test {
            return Ok(io::copy(&mut source, &mut io::sink())
                .map(drop)
                .map_err(|error| (format!("stdin: {}", reason(call, &error)), 1)));
        }
        return copy_out(&mut source, streams.output, call, "stdin");
    }
    input.read_to_end(&mut held)?;
    let mut writer = Writer::new(Some(call.method), call.level, &mut *streams.output)?;
    writer.write_all(&held)?;
    writer.finish()?;
    Ok(Ok(()))
}

/// Copies; faults of the source are told, those of the output are the command's.
fn copy_out(source: &mut dyn Read, output: &mut dyn Write, call: &Call, name: &str) -> io::Result<Done> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        match source.read(&mut buffer) {
            Ok(0) => return Ok(Ok(())),
            Ok(count) => output.write_all(&buffer[..count])?,
            Err(error) => return Ok(Err((format!("{name}: {}", reason(call, &error)), 1))),
        }
    }
}

/// What a source holds; with `-cdf` as it is where it is not compressed.
fn expanded<'a>(call: &Call, mut source: Box<dyn Read + 'a>) -> io::Result<Box<dyn Read + 'a>> {
    let mut head = [0; 6];
    let mut count = 0;
    while count < head.len() {
        match source.read(&mut head[count..])? {
            0 => break,
            more => count += more,
        }
    }
    let head = head[..count].to_vec();
    match Method::of(&head) {
        // `gzip -d` reads what others of its family made too; the others only their own.
        Some(method) if method == call.method => reader(method, io::Cursor::new(head).chain(source)),
        None if head.is_empty() && call.method != Method::Xz => Ok(Box::new(io::empty())),
        _ if call.force && call.to_output => Ok(Box::new(io::Cursor::new(head).chain(source))),
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, wrong_format(call.method))),
    }
}

fn wrong_format(method: Method) -> &'static str {
    match method {
        Method::Gzip => "not in gzip format",
        Method::Bzip2 => "is not a bzip2 file.",
        Method::Xz => "File format not recognized",
        Method::Zstd => "unsupported format",
    }
}

fn reason(call: &Call, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof if call.method == Method::Gzip => "unexpected end of file".to_owned(),
        io::ErrorKind::UnexpectedEof => "Unexpected end of input".to_owned(),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData if call.method == Method::Gzip => {
            let text = error.to_string();
            if text.starts_with("not in") { text } else { "invalid compressed data--format violated".to_owned() }
        }
        _ => describe(error),
    }
}

fn one(call: &Call, path: &Path, streams: &mut Streams<'_>, depth: usize) -> io::Result<Done> {
    const MAX_DEPTH: usize = 256;
    let shown = path.to_string_lossy().into_owned();
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(_) if call.expand && with_suffix(call, path).is_some() => {
            let Some(longer) = with_suffix(call, path) else { return Ok(Ok(())) };
            return one(call, &longer, streams, depth);
        }
        Err(error) => return Ok(Err((format!("{shown}: {}", describe(&error)), 1))),
    };
    if metadata.is_dir() {
        if !call.recursive || depth > MAX_DEPTH {
            return Ok(Err((format!("{shown} is a directory -- ignored"), 2)));
        }
        let entries = match stepbox_tool::file_info::entries(path) {
            Ok(entries) => entries,
            Err(error) => return Ok(Err((format!("{shown}: {}", describe(&error)), 1))),
        };
        let mut result = Ok(());
        for entry in entries {
            match one(call, &entry, streams, depth + 1)? {
                Ok(()) => {}
                Err((message, code)) if result.is_ok() => result = Err((message, code)),
                Err((message, _)) => streams.say(&call.name, &message),
            }
        }
        return Ok(result);
    }
    let source = match File::open(path) {
        Ok(file) => BufReader::new(file),
        Err(error) => return Ok(Err((format!("{shown}: {}", describe(&error)), 1))),
    };
    if call.list {
        return list(&shown, source, metadata.len(), streams);
    }
    if call.expand && (call.test || call.to_output) {
        let mut expanded = match expanded(call, Box::new(source)) {
            Ok(expanded) => expanded,
            Err(error) => return Ok(Err((format!("{shown}: {}", reason(call, &error)), 1))),
        };
        let mut nowhere = io::sink();
        let output: &mut dyn Write = if call.test { &mut nowhere } else { &mut *streams.output };
        return copy_out(&mut expanded, output, call, &shown);
    }
    if call.to_output {
        let mut source = source;
        let mut writer = Writer::new(Some(call.method), call.level, &mut *streams.output)?;
        io::copy(&mut source, &mut writer)?;
        writer.finish()?;
        return Ok(Ok(()));
    }
    let target = match (&call.output, call.expand) {
        (Some(output), _) => output.clone(),
        (None, true) => match without_suffix(call, &shown) {
            Some(name) => PathBuf::from(name),
            None => return Ok(Err((format!("{shown}: unknown suffix -- ignored"), 2))),
        },
        (None, false) => {
            if let Some((suffix, _)) = call.method.suffixes().iter().find(|(suffix, _)| shown.ends_with(suffix))
                && !call.force
            {
                return Ok(Err((format!("{shown} already has {suffix} suffix -- unchanged"), 2)));
            }
            PathBuf::from(format!("{shown}{}", call.suffix.as_deref().unwrap_or(call.method.suffixes()[0].0)))
        }
    };
    if target.exists() && !call.force {
        return Ok(Err((format!("{} already exists;	not overwritten", target.display()), 2)));
    }
    Ok(replace(call, path, &target, source, &metadata, streams).map_err(|error| {
        // Half a file is no file.
        let _ = fs::remove_file(&target);
        (format!("{shown}: {}", reason(call, &error)), 1)
    }))
}

fn replace(
    call: &Call,
    path: &Path,
    target: &Path,
    source: BufReader<File>,
    metadata: &fs::Metadata,
    streams: &mut Streams<'_>,
) -> io::Result<()> {
    let written = if call.expand {
        let mut expanded = expanded(call, Box::new(source))?;
        let mut file = File::create(target)?;
        io::copy(&mut expanded, &mut file)?;
        file
    } else {
        let mut source = source;
        let mut writer = Writer::new(Some(call.method), call.level, File::create(target)?)?;
        io::copy(&mut source, &mut writer)?;
        writer.finish()?
    };
    let size = written.metadata()?.len();
    if let Ok(modified) = metadata.modified() {
        written.set_modified(modified)?;
    }
    drop(written);
    if let Ok(info) = stepbox_tool::file_info::read(path, true) {
        stepbox_tool::mode::set_mode(target, info.mode)?;
    }
    if call.verbose {
        let (small, large) = if call.expand { (metadata.len(), size) } else { (size, metadata.len()) };
        let saved = if large == 0 { 0.0 } else { 100.0 - small as f64 * 100.0 / large as f64 };
        let how = if call.keep { "created" } else { "replaced with" };
        let _ = writeln!(streams.errors, "{}:\t{saved:5.1}% -- {how} {}", path.display(), target.display());
    }
    if call.keep { Ok(()) } else { fs::remove_file(path) }
}

fn with_suffix(call: &Call, path: &Path) -> Option<PathBuf> {
    let suffix = call.suffix.as_deref().unwrap_or(call.method.suffixes()[0].0);
    let longer = PathBuf::from(format!("{}{suffix}", path.display()));
    longer.is_file().then_some(longer)
}

fn without_suffix(call: &Call, name: &str) -> Option<String> {
    if let Some(suffix) = &call.suffix {
        return name.strip_suffix(suffix.as_str()).map(str::to_owned);
    }
    let mut suffixes = call.method.suffixes().iter();
    suffixes
        .find_map(|(suffix, new)| Some(format!("{}{new}", name.strip_suffix(suffix)?)))
        .filter(|name| !name.is_empty())
}

fn list(name: &str, source: BufReader<File>, compressed: u64, streams: &mut Streams<'_>) -> io::Result<Done> {
    let mut source = match reader(Method::Gzip, source) {
        Ok(source) => source,
        Err(error) => return Ok(Err((format!("{name}: {}", describe(&error)), 1))),
    };
    let size = match io::copy(&mut source, &mut io::sink()) {
        Ok(size) => size,
        Err(_) => return Ok(Err((format!("{name}: not in gzip format"), 1))),
    };
    // Header and trailer are not counted.
    let data = compressed.saturating_sub(18 + name.trim_end_matches(".gz").len() as u64 + 1);
    let ratio = if size == 0 { 0.0 } else { 100.0 - data as f64 * 100.0 / size as f64 };
    writeln!(streams.output, "{compressed:>19} {size:>19} {ratio:>5.1}% {}", name.trim_end_matches(".gz"))?;
    Ok(Ok(()))
}
