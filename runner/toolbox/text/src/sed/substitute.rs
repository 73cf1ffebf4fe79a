use stepbox_tool::pattern::{Exhausted, Groups, Pattern, character_length};

use super::script::{Case, Part, Substitute};

/// Replaces matches in `line`, with the result in `result`; whether anything was replaced.
pub(super) fn substitute(
    command: &Substitute,
    pattern: &Pattern,
    line: &[u8],
    result: &mut Vec<u8>,
    groups: &mut Groups,
) -> Result<bool, Exhausted> {
    result.clear();
    let needs_groups = command.replacement.iter().any(|part| matches!(part, Part::Group(1..)));
    let (mut start, mut count, mut replaced) = (0, 0, false);
    let mut previous_end = None;
    while start <= line.len() {
        if needs_groups {
            if !pattern.find_groups(line, start, groups)? {
                break;
            }
        } else {
            groups.clear();
            match pattern.find(line, start)? {
                Some(found) => groups.push(Some(found)),
                None => break,
            }
        }
        let Some((from, to)) = groups[0] else { break };
        result.extend(&line[start..from]);
        // Nothing may be matched right behind a match.
        if from == to && previous_end == Some(from) {
            start = skip(line, from, result);
            continue;
        }
        count += 1;
        previous_end = Some(to);
        if count < command.number {
            result.extend(&line[from..to]);
        } else {
            replaced = true;
            replace(&command.replacement, line, groups, result);
            if !command.global {
                start = to;
                break;
            }
        }
        start = if from == to { skip(line, to, result) } else { to };
    }
    if start < line.len() {
        result.extend(&line[start..]);
    }
    Ok(replaced)
}

/// Takes a character over; where the next begins.
fn skip(line: &[u8], at: usize, result: &mut Vec<u8>) -> usize {
    let end = at + character_length(line, at);
    result.extend(&line[at.min(line.len())..end.min(line.len())]);
    end
}

fn replace(parts: &[Part], line: &[u8], groups: &Groups, result: &mut Vec<u8>) {
    let (mut mode, mut next) = (None, None);
    for part in parts {
        let text = match part {
            Part::Text(text) => &text[..],
            Part::Group(number) => match groups.get(*number) {
                Some(Some((from, to))) => &line[*from..*to],
                _ => b"",
            },
            Part::Case(case) => {
                match case {
                    Case::Upper | Case::Lower => (mode, next) = (Some(*case), None),
                    Case::End => (mode, next) = (None, None),
                    _ => next = Some(*case),
                }
                continue;
            }
        };
        if (mode, next) == (None, None) {
            result.extend(text);
        } else {
            convert(text, mode, &mut next, result);
        }
    }
}

fn convert(text: &[u8], mode: Option<Case>, next: &mut Option<Case>, result: &mut Vec<u8>) {
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            let mut put = |character: char| result.extend(character.encode_utf8(&mut [0; 4]).as_bytes());
            match next.take().or(mode) {
                Some(Case::Upper | Case::UpperNext) => character.to_uppercase().for_each(&mut put),
                Some(Case::Lower | Case::LowerNext) => character.to_lowercase().for_each(&mut put),
                _ => put(character),
            }
        }
        result.extend(chunk.invalid());
    }
}
