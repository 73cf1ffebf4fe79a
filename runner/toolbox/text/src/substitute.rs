use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;

use stepbox_tool::options::{flag, parse};
use stepbox_tool::{Streams, fail};

/// `envsubst`: puts the values of variables in the place of `$NAME` and `${NAME}`; of those alone that a text names, where
/// one is given. `-v` lists the variables that a text names.
pub(crate) fn substitute(arguments: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    let parsed = match parse(arguments, &[flag('v', "variables")]) {
        Ok(parsed) => parsed,
        Err(message) => return fail("envsubst", &message, streams),
    };
    let format = match parsed.operands.as_slice() {
        [] if parsed.has('v') => return fail("envsubst", "a text with variables is missing", streams),
        [] => None,
        [format] => Some(format.as_encoded_bytes()),
        [_, extra, ..] => {
            return fail("envsubst", &format!("extra operand '{}'", extra.to_string_lossy()), streams);
        }
    };
    let named: Option<BTreeSet<Vec<u8>>> = format.map(|text| {
        let names = parts(text)
            .into_iter()
            .filter_map(|part| if let Part::Variable(name, _) = part { Some(name) } else { None });
        names.map(<[u8]>::to_vec).collect()
    });
    if parsed.has('v') {
        let mut listed = BTreeSet::new();
        for part in parts(format.unwrap_or_default()) {
            if let Part::Variable(name, _) = part
                && listed.insert(name)
            {
                streams.output.write_all(&[name, b"\n"].concat())?;
            }
        }
        return Ok(0);
    }
    let mut text = vec![];
    streams.input.read_to_end(&mut text)?;
    for part in parts(&text) {
        match part {
            Part::Text(text) => streams.output.write_all(text)?,
            Part::Variable(name, _) if named.as_ref().is_none_or(|named| named.contains(name)) => {
                let value = std::env::var_os(String::from_utf8_lossy(name).as_ref()).unwrap_or_default();
                streams.output.write_all(value.as_encoded_bytes())?;
            }
            Part::Variable(_, written) => streams.output.write_all(written)?,
        }
    }
    Ok(0)
}

enum Part<'a> {
    Text(&'a [u8]),
    /// A name, and how it is written.
    Variable(&'a [u8], &'a [u8]),
}

fn parts(text: &[u8]) -> Vec<Part<'_>> {
    let (mut parts, mut begin, mut at) = (vec![], 0, 0);
    while let Some(found) = memchr::memchr(b'$', &text[at..]) {
        let dollar = at + found;
        at = dollar + 1;
        let braced = text.get(at) == Some(&b'{');
        let start = at + usize::from(braced);
        let length = text[start..].iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
        let name = &text[start..start + length];
        if name.first().is_none_or(u8::is_ascii_digit) || (braced && text.get(start + length) != Some(&b'}')) {
            continue;
        }
        let end = start + length + usize::from(braced);
        parts.push(Part::Text(&text[begin..dollar]));
        parts.push(Part::Variable(name, &text[dollar..end]));
        (begin, at) = (end, end);
    }
    parts.push(Part::Text(&text[begin..]));
    parts
}

#[cfg(test)]
mod tests {
    use crate::testing::run;

    #[test]
    fn variables_get_their_values_where_they_are_written_as_such() {
        let home = std::env::var("HOME").expect("is set");
        for (words, input, expected) in [
            (vec!["envsubst"], "a $HOME ${HOME}b", format!("a {home} {home}b")),
            (vec!["envsubst"], "$HOME_NOT_SET|", "|".to_owned()),
            (vec!["envsubst"], "$ $1 ${HOME ${HOME:-x} $$HOME", format!("$ $1 ${{HOME ${{HOME:-x}} ${home}")),
            (vec!["envsubst", "$PATH"], "$HOME ${PATHS}", "$HOME ${PATHS}".to_owned()),
            (vec!["envsubst", "x ${HOME} $B"], "$HOME $PATH $B.", format!("{home} $PATH .")),
            (vec!["envsubst", "-v", "$A ${B} $A $1"], "", "A\nB\n".to_owned()),
        ] {
            assert_eq!(run(&words, input), (expected, String::new(), 0), "{words:?} {input}");
        }
    }
}
