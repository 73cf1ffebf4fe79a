//! `-printf`.

use std::path::Path;

use stepbox_tool::calendar::Moment;
use stepbox_tool::file_info::FileInfo;

/// A part of a format.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Part {
    Text(String),
    /// A directive by its letter (for times the second, with `T` before it) and its width.
    Directive(char, Option<char>, i32),
}

/// Reads a format. The error names what is not supported.
pub(crate) fn parse(format: &str) -> Result<Vec<Part>, String> {
    let mut parts = vec![];
    let mut text = String::new();
    let mut characters = format.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('r') => text.push('\r'),
                Some('0') => text.push('\0'),
                Some('\\') => text.push('\\'),
                Some(other) => return Err(format!("`\\{other}` in a format is not supported")),
                None => text.push('\\'),
            },
            '%' if characters.peek() == Some(&'%') => {
                characters.next();
                text.push('%');
            }
            '%' => {
                let mut width = String::new();
                while let Some(digit) = characters.next_if(|next| next.is_ascii_digit() || *next == '-') {
                    width.push(digit);
                }
                let letter = characters.next().ok_or("a format ends in `%`")?;
                let second = match letter {
                    'T' | 'A' | 'C' => Some(characters.next().ok_or("a format ends too early")?),
                    _ => None,
                };
                let known = match second {
                    None => "pfhPHsmMyldniugUGkb".contains(letter),
                    Some(second) => "@YmdHMSTFs+".contains(second),
                };
                if !known {
                    return Err(format!(
                        "`%{letter}{}` in a format is not supported",
                        second.map(String::from).unwrap_or_default()
                    ));
                }
                parts.push(Part::Text(std::mem::take(&mut text)));
                parts.push(Part::Directive(letter, second, width.parse().unwrap_or(0)));
            }
            other => text.push(other),
        }
    }
    parts.push(Part::Text(text));
    parts.retain(|part| *part != Part::Text(String::new()));
    Ok(parts)
}

/// What a format prints for a file that was found below `start`, `level` directories deep.
pub(crate) fn print(parts: &[Part], path: &Path, start: &Path, level: usize, info: &FileInfo) -> String {
    let mut printed = String::new();
    for part in parts {
        let (letter, second, width) = match part {
            Part::Text(text) => {
                printed.push_str(text);
                continue;
            }
            Part::Directive(letter, second, width) => (*letter, *second, *width),
        };
        let whole = path.to_string_lossy();
        let value = match letter {
            'p' => whole.into_owned(),
            'f' => path.file_name().map_or_else(|| whole.into_owned(), |name| name.to_string_lossy().into_owned()),
            'h' => whole.rsplit_once('/').map_or(".", |(parent, _)| parent).to_owned(),
            'H' => start.to_string_lossy().into_owned(),
            'P' => path.strip_prefix(start).unwrap_or(path).to_string_lossy().into_owned(),
            's' => info.size.to_string(),
            'm' => format!("{:o}", info.mode),
            'M' => info.mode_text(),
            'y' => info.letter().to_string(),
            'l' => std::fs::read_link(path).map(|target| target.to_string_lossy().into_owned()).unwrap_or_default(),
            'd' => level.to_string(),
            'n' => info.links.to_string(),
            'i' => info.inode.to_string(),
            'u' | 'g' => "root".to_owned(),
            'U' | 'G' => "0".to_owned(),
            'k' => info.allocated().div_ceil(1024).to_string(),
            'b' => info.allocated().div_ceil(512).to_string(),
            'T' => time(info.modified, second),
            'A' => time(info.accessed, second),
            _ => time(info.changed, second),
        };
        let size = usize::try_from(width.unsigned_abs()).unwrap_or(0).min(4096);
        printed.push_str(&if width < 0 { format!("{value:<size$}") } else { format!("{value:>size$}") });
    }
    printed
}

fn time((seconds, nanoseconds): (i64, u32), letter: Option<char>) -> String {
    let moment = Moment::new(seconds, nanoseconds);
    match letter {
        Some('@') => format!("{seconds}.{nanoseconds:09}0"),
        Some('s') => seconds.to_string(),
        Some('Y') => moment.year.to_string(),
        Some('m') => format!("{:02}", moment.month),
        Some('d') => format!("{:02}", moment.day),
        Some('H') => format!("{:02}", moment.hour),
        Some('M') => format!("{:02}", moment.minute),
        Some('S') => format!("{:02}.{nanoseconds:09}0", moment.second),
        Some('T') => format!("{:02}:{:02}:{:02}.{nanoseconds:09}0", moment.hour, moment.minute, moment.second),
        Some('F') => format!("{:04}-{:02}-{:02}", moment.year, moment.month, moment.day),
        _ => format!(
            "{:04}-{:02}-{:02}+{:02}:{:02}:{:02}.{nanoseconds:09}0",
            moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second
        ),
    }
}
