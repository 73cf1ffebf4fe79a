/// Replaces one escape, whose text begins behind the backslash; how much of it was used, `None` where it is none.
/// `dollar`: as in `$'…'`, where octal numbers have no leading zero, and quotes and `\cX` are escapes.
pub(crate) fn unescape(text: &[u8], dollar: bool, out: &mut Vec<u8>) -> Option<usize> {
    let simple = match text.first()? {
        b'a' => 7,
        b'b' => 8,
        b'e' | b'E' => 27,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 11,
        b'\\' => b'\\',
        quote @ (b'\'' | b'"' | b'?') if dollar => *quote,
        // bash's, of any length; what is no number ends it.
        b'x' if dollar && text.get(1) == Some(&b'{') => {
            let (value, length) = digits(&text[2..], 16, usize::MAX);
            if length == 0 {
                return None;
            }
            out.push((value & 0xff) as u8);
            return Some(length + 2 + usize::from(text.get(length + 2) == Some(&b'}')));
        }
        b'x' => return number(&text[1..], 16, 2, out).map(|length| length + 1),
        b'u' if dollar => return unicode(&text[1..], 4, out),
        b'U' if dollar => return unicode(&text[1..], 8, out),
        b'c' if dollar => {
            out.push(text.get(1)? & 0x1f);
            return Some(2);
        }
        b'0' if !dollar => {
            if let Some(length) = number(&text[1..], 8, 3, out) {
                return Some(length + 1);
            }
            0
        }
        b'0'..=b'7' => return number(text, 8, 3, out),
        _ => return None,
    };
    out.push(simple);
    Some(1)
}

fn digits(text: &[u8], base: u32, most: usize) -> (u32, usize) {
    let mut value = 0u32;
    let mut length = 0;
    for byte in text.iter().take(most) {
        let Some(digit) = char::from(*byte).to_digit(base) else { break };
        value = value.wrapping_mul(base).wrapping_add(digit);
        length += 1;
    }
    (value, length)
}

fn number(text: &[u8], base: u32, most: usize, out: &mut Vec<u8>) -> Option<usize> {
    let (value, length) = digits(text, base, most);
    if length == 0 {
        return None;
    }
    out.push((value & 0xff) as u8);
    Some(length)
}

fn unicode(text: &[u8], most: usize, out: &mut Vec<u8>) -> Option<usize> {
    let (value, length) = digits(text, 16, most);
    let character = char::from_u32(value).filter(|_| length > 0)?;
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    Some(length + 1)
}
