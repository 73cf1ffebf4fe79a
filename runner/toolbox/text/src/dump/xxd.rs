use std::ffi::OsString;
use std::io::{self, BufRead, Write};

use stepbox_tool::{Streams, describe};

use super::{number, read_part, visible};

/// How many bytes a dump that is read back may leave out at one place.
const MAX_GAP: u64 = 1 << 32;

#[derive(Clone, Copy, PartialEq)]
enum Style {
    Hexadecimal,
    Binary,
    /// A list for C.
    Include,
    /// Digits alone.
    Plain,
}

struct Request {
    style: Style,
    columns: Option<usize>,
    group: Option<usize>,
    length: Option<u64>,
    seek: i64,
    upper: bool,
    reverse: bool,
    decimal: bool,
    skip_zeros: bool,
    name: Option<String>,
    files: Vec<String>,
}

/// `xxd`: `-a -b -c -d -g -i -l -n -p -r -s -u`.
pub(crate) fn xxd(arguments: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    let request = match read(arguments) {
        Ok(request) => request,
        Err(message) => {
            streams.say("xxd", &message);
            return Ok(1);
        }
    };
    let input = request.files.first().map(String::as_str);
    let written = match request.files.get(1).filter(|name| *name != "-") {
        None => run(&request, input, streams),
        Some(name) => std::fs::File::create(name).and_then(|file| {
            let mut file = io::BufWriter::new(file);
            let mut inner = Streams { input: &mut *streams.input, output: &mut file, errors: &mut *streams.errors };
            run(&request, input, &mut inner).and_then(|status| file.flush().map(|()| status))
        }),
    };
    match written {
        Ok(status) => Ok(status),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(error),
        Err(error) => {
            streams.say("xxd", &format!("{}: {}", input.unwrap_or("-"), describe(&error)));
            Ok(2)
        }
    }
}

fn run(request: &Request, input: Option<&str>, streams: &mut Streams<'_>) -> io::Result<i32> {
    if request.reverse {
        return reverse(request, input, streams);
    }
    let (begin, data) = read_part(input, request.seek, request.length, streams)?;
    match request.style {
        Style::Plain => plain(request, &data, streams.output)?,
        Style::Include => include(request, &data, streams.output)?,
        Style::Hexadecimal | Style::Binary => table(request, begin, &data, streams.output)?,
    }
    Ok(0)
}

/// Options are words of their own, long ones with one hyphen too. The error is a message.
fn read(arguments: &[OsString]) -> Result<Request, String> {
    let mut request = Request {
        style: Style::Hexadecimal,
        columns: None,
        group: None,
        length: None,
        seek: 0,
        upper: false,
        reverse: false,
        decimal: false,
        skip_zeros: false,
        name: None,
        files: vec![],
    };
    let words: Vec<String> = arguments.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        if word == "--" {
            request.files.extend(words.by_ref());
            break;
        }
        let Some(option) = word.strip_prefix('-').filter(|option| !option.is_empty()) else {
            request.files.push(word);
            continue;
        };
        let option = option.strip_prefix('-').unwrap_or(option);
        match option {
            "a" | "autoskip" => request.skip_zeros = true,
            "b" | "bits" => request.style = Style::Binary,
            "d" => request.decimal = true,
            "i" | "include" => request.style = Style::Include,
            "p" | "ps" | "plain" | "postscript" => request.style = Style::Plain,
            "r" | "revert" => request.reverse = true,
            "u" | "uppercase" => request.upper = true,
            // A pair is common: reads plain digits back.
            "rp" | "pr" | "r-p" => (request.reverse, request.style) = (true, Style::Plain),
            _ => {
                let names = [("cols", 'c'), ("len", 'l'), ("groupsize", 'g'), ("seek", 's'), ("name", 'n')];
                let long = names.iter().find(|(name, _)| *name == option).map(|(_, letter)| *letter);
                let letter = long.or(option.chars().next()).filter(|letter| "clgsn".contains(*letter));
                let letter = letter.ok_or_else(|| format!("option `{word}` is not supported"))?;
                let attached = if long.is_some() { "" } else { &option[1..] };
                let value = match attached {
                    "" => words.next().ok_or_else(|| format!("option `{word}` needs a value"))?,
                    attached => attached.to_owned(),
                };
                if letter == 'n' {
                    request.name = Some(value);
                    continue;
                }
                let parsed = number(&value).ok_or_else(|| format!("`{value}` is no number"))?;
                let size = usize::try_from(parsed).map_err(|_| format!("`{value}` is too small"));
                match letter {
                    'c' => request.columns = Some(size?.min(256)),
                    'g' => request.group = Some(size?),
                    'l' => request.length = Some(size? as u64),
                    _ => request.seek = parsed,
                }
            }
        }
    }
    Ok(request)
}

fn digits(byte: u8, upper: bool) -> String {
    if upper { format!("{byte:02X}") } else { format!("{byte:02x}") }
}

fn plain(request: &Request, data: &[u8], output: &mut dyn Write) -> io::Result<()> {
    let columns = match request.columns {
        Some(0) => data.len().max(1),
        columns => columns.unwrap_or(30),
    };
    for row in data.chunks(columns) {
        let text: String = row.iter().map(|byte| digits(*byte, request.upper)).collect();
        writeln!(output, "{text}")?;
    }
    Ok(())
}

fn include(request: &Request, data: &[u8], output: &mut dyn Write) -> io::Result<()> {
    let name = request.name.as_ref().or(request.files.first()).filter(|name| *name != "-").map(|name| {
        let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        if name.starts_with(|c: char| c.is_ascii_digit()) { format!("__{name}") } else { name }
    });
    if let Some(name) = &name {
        writeln!(output, "unsigned char {name}[] = {{")?;
    }
    let columns = request.columns.filter(|columns| *columns > 0).unwrap_or(12);
    let rows: Vec<String> = data
        .chunks(columns)
        .map(|row| {
            let prefix = if request.upper { "0X" } else { "0x" };
            let row: Vec<String> = row.iter().map(|byte| format!("{prefix}{}", digits(*byte, request.upper))).collect();
            format!("  {}", row.join(", "))
        })
        .collect();
    if !rows.is_empty() {
        writeln!(output, "{}", rows.join(",\n"))?;
    }
    if let Some(name) = &name {
        writeln!(output, "}};\nunsigned int {name}_len = {};", data.len())?;
    }
    Ok(())
}

fn table(request: &Request, begin: u64, data: &[u8], output: &mut dyn Write) -> io::Result<()> {
    let binary = request.style == Style::Binary;
    let columns = request.columns.filter(|columns| *columns > 0).unwrap_or(if binary { 6 } else { 16 });
    let group = match request.group.unwrap_or(if binary { 1 } else { 2 }) {
        0 => columns,
        group => group,
    };
    let wide = if binary { 8 } else { 2 };
    let width = columns * wide + columns.div_ceil(group);
    let rows: Vec<&[u8]> = data.chunks(columns).collect();
    // The last row is always shown.
    let is_zero = |at: usize| at + 1 < rows.len() && rows[at].iter().all(|byte| *byte == 0);
    let (mut at, mut skipped_to) = (0, 0);
    while at < rows.len() {
        let row = rows[at];
        if request.skip_zeros && at >= skipped_to && is_zero(at) {
            // Of three rows of zeros and more the first is shown.
            skipped_to = (at..rows.len()).find(|at| !is_zero(*at)).unwrap_or(rows.len());
        }
        let mut text = String::new();
        for part in row.chunks(group) {
            for byte in part {
                text.push_str(&if binary { format!("{byte:08b}") } else { digits(*byte, request.upper) });
            }
            text.push(' ');
        }
        let shown: String = row.iter().map(|byte| visible(*byte)).collect();
        let place = begin + (at * columns) as u64;
        let place = if request.decimal { format!("{place:08}") } else { format!("{place:08x}") };
        writeln!(output, "{place}: {text:<width$} {shown}")?;
        at += 1;
        if skipped_to >= at + 2 && is_zero(at - 1) {
            output.write_all(b"*\n")?;
            at = skipped_to;
        }
    }
    Ok(())
}

/// Makes bytes of a dump.
fn reverse(request: &Request, input: Option<&str>, streams: &mut Streams<'_>) -> io::Result<i32> {
    let (_, text) = read_part(input, 0, None, streams)?;
    let value = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    if request.style == Style::Plain {
        let mut high = None;
        for byte in text {
            match (value(byte), high.take()) {
                (Some(low), Some(high)) => streams.output.write_all(&[high << 4 | low])?,
                (Some(digit), None) => high = Some(digit),
                // White space may stand between digits; anything else ends a byte.
                (None, kept) => high = kept.filter(|_| byte.is_ascii_whitespace()),
            }
        }
        return Ok(0);
    }
    let mut place = 0_u64;
    for line in text.as_slice().lines() {
        let line = line?;
        let Some((offset, rest)) = line.split_once(':') else { continue };
        let Ok(offset) = u64::from_str_radix(offset.trim(), 16) else { continue };
        let offset = offset.saturating_add_signed(request.seek);
        if offset < place || offset - place > MAX_GAP {
            streams.say("xxd", "the places in the dump do not rise");
            return Ok(5);
        }
        io::copy(&mut io::Read::take(io::repeat(0), offset - place), streams.output)?;
        place = offset;
        let columns = request.columns.unwrap_or(if request.style == Style::Binary { 6 } else { 16 });
        let (size, base) = if request.style == Style::Binary { (8, 2) } else { (2, 16) };
        // Two blanks stand before the text.
        let digits = rest.trim_start().split("  ").next().unwrap_or_default();
        let digits: Vec<u8> = digits.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        for pair in digits.chunks(size).take(columns) {
            let Some(byte) = std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, base).ok()) else {
                break;
            };
            streams.output.write_all(&[byte])?;
            place += 1;
        }
    }
    Ok(0)
}
