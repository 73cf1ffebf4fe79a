//! The field that somebody meant (rule R14).

/// The official suggestion: a field that starts with the typed text, else the nearest of a Levenshtein distance below
/// 5 whose length differs by less than 3.
pub(crate) fn official<'a>(typed: &str, fields: &[&'a str]) -> Option<&'a str> {
    prefixed(typed, fields).or_else(|| nearest(typed, fields, 4))
}

/// The name that somebody may have meant: one that begins with what was typed, else the nearest one that is really near.
#[must_use]
pub fn careful<'a>(typed: &str, fields: &[&'a str]) -> Option<&'a str> {
    prefixed(typed, fields).filter(|_| typed.len() > 3).or_else(|| nearest(typed, fields, (typed.len() / 3).min(3)))
}

fn prefixed<'a>(typed: &str, fields: &[&'a str]) -> Option<&'a str> {
    fields.iter().copied().find(|field| field.starts_with(typed))
}

fn nearest<'a>(typed: &str, fields: &[&'a str], most: usize) -> Option<&'a str> {
    if typed.len() > 40 {
        return None;
    }
    fields
        .iter()
        .copied()
        .filter(|field| field.len().abs_diff(typed.chars().count()) < 3)
        .map(|field| (distance(typed, field), field))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, field)| field)
}

/// Levenshtein's distance.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r14_a_prefix_wins_over_a_near_word() {
        assert_eq!(official("exclude_blob", &["depth", "exclude_blobs"]), Some("exclude_blobs"));
        assert_eq!(official("skip", &["stage", "skip_tags_on_update"]), Some("skip_tags_on_update"));
        assert_eq!(official("duratin", &["timeUnit", "duration"]), Some("duration"));
        assert_eq!(official("tit", &["timeUnit", "duration", "finalState"]), None);
        assert_eq!(official("debug", &["repo", "depth", "title"]), Some("depth"));
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn r14_warnings_suggest_only_what_is_near() {
        assert_eq!(careful("comands", &["commands", "cmd"]), Some("commands"));
        assert_eq!(careful("xy", &["env"]), None);
    }

    #[test]
    fn r14_distances_count_what_is_put_in_taken_out_and_changed() {
        for (left, right, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("abc", "abcx", 1),
            ("xabc", "abc", 1),
            ("ab", "ba", 2),
            ("é", "e", 1),
        ] {
            assert_eq!(distance(left, right), expected, "{left} {right}");
        }
    }

    #[test]
    fn r14_lengths_that_differ_by_three_are_not_near() {
        assert_eq!(official("bcd", &["xbcdyz"]), None);
        assert_eq!(official("bcd", &["xbcdy"]), Some("xbcdy"));
        assert_eq!(careful("comm", &["commands"]), Some("commands"));
        assert_eq!(careful("com", &["commands"]), None);
    }
}
