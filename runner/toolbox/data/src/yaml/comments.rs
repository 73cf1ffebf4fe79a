use std::ops::Range;

/// What stands on a line outside of nodes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Note {
    /// A comment on its own line, with its column.
    Own(usize, String),
    /// A comment behind something, with the spaces before it.
    Behind(String),
    /// Nothing.
    Blank,
}

/// The comments and empty lines of a text, by line (from 0). `covered` are the places of scalars, sorted, in bytes.
pub(crate) fn notes(text: &str, covered: &[Range<usize>]) -> Vec<(usize, Note)> {
    let mut notes = vec![];
    let mut start = 0;
    let mut next = 0;
    for (line, content) in text.split('\n').enumerate() {
        let end = start + content.len();
        while covered.get(next).is_some_and(|range| range.end <= start) {
            next += 1;
        }
        let inside =
            |at: usize| covered[next..].iter().take_while(|range| range.start <= at).any(|range| at < range.end);
        let trimmed = content.trim_end();
        if trimmed.trim_start().is_empty() {
            // The text behind the last end of line is no line.
            if !inside(start) && end < text.len() {
                notes.push((line, Note::Blank));
            }
        } else {
            let hash = content.char_indices().find(|(at, character)| {
                let before = content[..*at].chars().next_back();
                *character == '#' && before.is_none_or(char::is_whitespace) && !inside(start + at)
            });
            if let Some((at, _)) = hash {
                let comment = content[at..].trim_end().to_owned();
                let own = content[..at].trim().is_empty();
                let spaces = &content[content[..at].trim_end().len()..at];
                notes.push((
                    line,
                    if own { Note::Own(at, comment) } else { Note::Behind(format!("{spaces}{comment}")) },
                ));
            }
        }
        start = end + 1;
    }
    notes
}
