/// A format of `hexdump -e`.
pub(super) struct Pattern {
    units: Vec<Unit>,
}

/// A part of a format: how often, on how many bytes each time, and what is written.
struct Unit {
    times: usize,
    pieces: Vec<Piece>,
}

enum Piece {
    Text(Vec<u8>),
    Conversion(Conversion),
}

struct Conversion {
    /// Bytes that it takes.
    size: usize,
    zero: bool,
    left: bool,
    width: usize,
    precision: Option<usize>,
    kind: char,
    /// Whether the kind is one of `hexdump` alone (`%_a`, `%_c`, `%_p`, `%_u`); of `%_a`, the base.
    own: Option<char>,
}

impl Pattern {
    /// Nothing where it is wrong.
    pub(super) fn new(text: &str) -> Option<Self> {
        let mut units = vec![];
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let (times, after) = leading_number(rest);
            let (size, after) = match after.trim_start().strip_prefix('/') {
                Some(after) => leading_number(after.trim_start()),
                None => (None, after),
            };
            let quoted = after.trim_start().strip_prefix('"')?;
            let end = end_of_text(quoted)?;
            units.push(Unit { times: times.unwrap_or(1), pieces: pieces(&quoted[..end], size)? });
            rest = quoted[end + 1..].trim_start();
        }
        Some(Self { units })
    }

    /// Bytes that it takes.
    pub(super) fn size(&self) -> usize {
        self.units.iter().map(|unit| unit.times * unit.size()).sum()
    }

    /// What it makes of a row that begins at a place. Where the row is too short, blanks stand for what is missing.
    pub(super) fn format(&self, row: &[u8], place: u64) -> Vec<u8> {
        let (mut result, mut at) = (vec![], 0);
        for unit in &self.units {
            for time in 0..unit.times {
                let last = unit.times > 1 && time + 1 == unit.times;
                for (number, piece) in unit.pieces.iter().enumerate() {
                    match piece {
                        // After the last time no white space follows.
                        Piece::Text(text) if last && number + 1 == unit.pieces.len() && unit.size() > 0 => {
                            let end = text.iter().rposition(|byte| !byte.is_ascii_whitespace()).map_or(0, |at| at + 1);
                            result.extend(&text[..end]);
                        }
                        Piece::Text(text) => result.extend(text),
                        Piece::Conversion(conversion) => {
                            let here = row.get(at..).unwrap_or_default();
                            let bytes = &here[..here.len().min(conversion.size)];
                            result.extend(conversion.format(bytes, place + at as u64));
                            at += conversion.size;
                        }
                    }
                }
            }
        }
        result
    }
}

impl Unit {
    fn size(&self) -> usize {
        let sizes = self.pieces.iter().map(|piece| if let Piece::Conversion(one) = piece { one.size } else { 0 });
        sizes.sum()
    }
}

fn leading_number(text: &str) -> (Option<usize>, &str) {
    let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    // A row is never longer than a megabyte.
    (text[..end].parse().ok().map(|number: usize| number.min(1 << 20)), &text[end..])
}

/// Where a text in quotes ends.
fn end_of_text(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let end = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        end
    })
}

fn pieces(text: &str, size: Option<usize>) -> Option<Vec<Piece>> {
    let (mut pieces, mut plain) = (vec![], vec![]);
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\\' => plain.push(match rest.next()? {
                'n' => b'\n',
                't' => b'\t',
                'r' => b'\r',
                'a' => 7,
                'b' => 8,
                'f' => 12,
                'v' => 11,
                '0' => 0,
                other => u8::try_from(other).ok()?,
            }),
            '%' if rest.peek() == Some(&'%') => {
                rest.next();
                plain.push(b'%');
            }
            '%' => {
                let mut conversion =
                    Conversion { size: 0, zero: false, left: false, width: 0, precision: None, kind: ' ', own: None };
                while let Some(flag) = rest.next_if(|character| "-0+ #".contains(*character)) {
                    conversion.zero |= flag == '0';
                    conversion.left |= flag == '-';
                }
                let count = |rest: &mut std::iter::Peekable<std::str::Chars<'_>>| {
                    let mut value = 0_usize;
                    while let Some(digit) = rest.peek().and_then(|digit| digit.to_digit(10)) {
                        rest.next();
                        value = (value * 10 + digit as usize).min(1000);
                    }
                    value
                };
                conversion.width = count(&mut rest);
                if rest.next_if_eq(&'.').is_some() {
                    conversion.precision = Some(count(&mut rest));
                }
                conversion.kind = rest.next()?;
                let usual = if conversion.kind == '_' {
                    conversion.kind = rest.next()?;
                    conversion.own = match conversion.kind {
                        'a' => Some(rest.next().filter(|base| "dox".contains(*base))?),
                        'c' | 'p' | 'u' => Some(conversion.kind),
                        _ => return None,
                    };
                    usize::from(conversion.kind != 'a')
                } else {
                    match conversion.kind {
                        'c' => 1,
                        'd' | 'i' | 'o' | 'u' | 'x' | 'X' => 4,
                        's' => conversion.precision?,
                        _ => return None,
                    }
                };
                conversion.size = if usual == 0 { 0 } else { size.filter(|size| *size > 0).unwrap_or(usual) };
                if "dioxXu".contains(conversion.kind)
                    && conversion.own.is_none()
                    && !matches!(conversion.size, 1 | 2 | 4 | 8)
                {
                    return None;
                }
                if !plain.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut plain)));
                }
                pieces.push(Piece::Conversion(conversion));
            }
            other => plain.extend(other.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    Some(pieces)
}

impl Conversion {
    fn format(&self, bytes: &[u8], place: u64) -> Vec<u8> {
        let text = match (self.own, bytes) {
            (Some('x'), _) => self.digits(format!("{place:x}")),
            (Some('d'), _) => self.digits(place.to_string()),
            (Some('o'), _) => self.digits(format!("{place:o}")),
            // Nothing is there: blanks, as wide as something were, but none for text.
            (Some('p'), []) => return vec![],
            (_, []) => " ".repeat(self.missing()),
            (Some('p'), [byte, ..]) => super::visible(*byte).to_string(),
            (Some(_), [byte, ..]) => named(*byte),
            (None, [byte, ..]) if self.kind == 'c' => return self.padded(&[*byte]),
            (None, bytes) if self.kind == 's' => return self.padded(bytes),
            (None, bytes) => {
                let mut whole = [0; 8];
                whole[..bytes.len().min(8)].copy_from_slice(&bytes[..bytes.len().min(8)]);
                let value = u64::from_le_bytes(whole);
                self.digits(match self.kind {
                    'x' => format!("{value:x}"),
                    'X' => format!("{value:X}"),
                    'o' => format!("{value:o}"),
                    'u' => value.to_string(),
                    _ => {
                        let unused = 64 - 8 * self.size as u32;
                        ((value << unused) as i64 >> unused).to_string()
                    }
                })
            }
        };
        self.padded(text.as_bytes())
    }

    fn missing(&self) -> usize {
        self.width.max(self.precision.unwrap_or(0))
    }

    fn digits(&self, digits: String) -> String {
        let least = match self.precision {
            Some(precision) => precision,
            None if self.zero => self.width,
            None => 0,
        };
        format!("{digits:0>least$}")
    }

    fn padded(&self, text: &[u8]) -> Vec<u8> {
        let blanks = vec![b' '; self.width.saturating_sub(text.len())];
        if self.left { [text, &blanks].concat() } else { [&blanks, text].concat() }
    }
}

/// A byte as `%_c` has it.
fn named(byte: u8) -> String {
    match byte {
        0 => "\\0".to_owned(),
        7 => "\\a".to_owned(),
        8 => "\\b".to_owned(),
        9 => "\\t".to_owned(),
        10 => "\\n".to_owned(),
        11 => "\\v".to_owned(),
        12 => "\\f".to_owned(),
        13 => "\\r".to_owned(),
        32..127 => char::from(byte).to_string(),
        other => format!("{other:03o}"),
    }
}
