//! Secrets do not appear in what is shown (rule V31).

/// What stands in place of a secret.
pub const MASK: &[u8] = b"****";

/// Replaces secrets in a stream of bytes, also those that are split over pieces.
#[derive(Debug, Clone)]
pub struct Masker {
    /// Longest first, each once.
    secrets: Vec<Vec<u8>>,
    /// Which bytes a secret begins with.
    first: [bool; 256],
    /// What may be the beginning of a secret.
    held: Vec<u8>,
}

impl Masker {
    /// A masker of some values. Each line of a value is a secret of its own; empty ones are none.
    #[must_use]
    pub fn new<'a>(values: impl IntoIterator<Item = &'a str>) -> Self {
        let mut secrets: Vec<Vec<u8>> = values
            .into_iter()
            .flat_map(|value| value.split(['\n', '\r']))
            .filter(|line| !line.is_empty())
            .map(|line| line.as_bytes().to_vec())
            .collect();
        secrets.sort_by(|left, right| right.len().cmp(&left.len()).then_with(|| left.cmp(right)));
        secrets.dedup();
        let mut first = [false; 256];
        for secret in &secrets {
            first[usize::from(secret[0])] = true;
        }
        Self { secrets, first, held: Vec::new() }
    }

    /// Takes the next piece and gives what is sure by now. At most a secret's length is held back.
    #[must_use]
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        if self.secrets.is_empty() {
            return bytes.to_vec();
        }
        self.held.extend_from_slice(bytes);
        self.run(false)
    }

    /// Gives what was held back. The masker can be used again for the next stream.
    #[must_use]
    pub fn finish(&mut self) -> Vec<u8> {
        self.run(true)
    }

    /// A text with its secrets masked.
    #[must_use]
    pub fn mask(&self, text: &str) -> String {
        let mut masker = Self { held: Vec::new(), ..self.clone() };
        let mut out = masker.feed(text.as_bytes());
        out.extend(masker.finish());
        String::from_utf8_lossy(&out).into_owned()
    }

    fn run(&mut self, end: bool) -> Vec<u8> {
        let held = std::mem::take(&mut self.held);
        let mut out = Vec::with_capacity(held.len());
        let mut at = 0;
        'bytes: while at < held.len() {
            if !self.first[usize::from(held[at])] {
                out.push(held[at]);
                at += 1;
                continue;
            }
            let rest = &held[at..];
            for secret in &self.secrets {
                if rest.starts_with(secret) {
                    out.extend_from_slice(MASK);
                    at += secret.len();
                    continue 'bytes;
                }
                // A longer secret may still come: wait, rather than mask a shorter one inside of it.
                if !end && secret.starts_with(rest) {
                    self.held = rest.to_vec();
                    return out;
                }
            }
            out.push(held[at]);
            at += 1;
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(secrets: &[&str], text: &str, size: usize) -> String {
        let mut masker = Masker::new(secrets.iter().copied());
        let mut out = Vec::new();
        for piece in text.as_bytes().chunks(size) {
            out.extend(masker.feed(piece));
        }
        out.extend(masker.finish());
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn v31_what_may_be_the_beginning_of_a_secret_is_held_back_to_the_end() {
        let mut masker = Masker::new(["secret"]);
        assert_eq!((masker.feed(b"a secr"), masker.finish()), (b"a ".to_vec(), b"secr".to_vec()));
        assert_eq!((masker.feed(b"et"), masker.finish()), (b"et".to_vec(), b"".to_vec()), "a stream of its own");
    }

    #[test]
    fn v31_secrets_are_masked_wherever_the_stream_is_cut() {
        for size in 1..20 {
            assert_eq!(split(&["s3cret"], "a s3cret b s3cre s3crets3cret", size), "a **** b s3cre ********", "{size}");
        }
    }

    #[test]
    fn v31_the_longest_secret_wins() {
        for size in 1..20 {
            assert_eq!(split(&["abc", "abcdef", "b"], "abcdef abcde b", size), "**** ****de ****", "{size}");
        }
    }

    #[test]
    fn v31_lines_of_a_value_are_secrets_of_their_own() {
        assert_eq!(split(&["one\ntwo\r\n"], "x one y two\n", 4), "x **** y ****\n");
    }

    #[test]
    fn v31_empty_values_mask_nothing() {
        assert_eq!(split(&["", "\n"], "abc", 1), "abc");
        assert_eq!(Masker::new([""]).feed(b"any"), b"any");
    }

    #[test]
    fn v32_titles_are_masked_too() {
        assert_eq!(Masker::new(["tok"]).mask("deploy with tok"), "deploy with ****");
    }

    #[test]
    fn v32_a_title_has_nothing_of_the_stream_that_is_held_back() {
        let mut masker = Masker::new(["secret"]);
        assert_eq!(masker.feed(b"secr"), b"");
        assert_eq!(masker.mask("et, the title"), "et, the title");
        assert_eq!(masker.feed(b"et"), MASK);
    }

    #[test]
    fn v31_what_cannot_be_a_secret_is_not_held_back() {
        let mut masker = Masker::new(["secret"]);
        assert_eq!(masker.feed(b"hello se"), b"hello ");
        assert_eq!(masker.feed(b"nd"), b"send");
        assert_eq!(masker.finish(), b"");
    }
}
