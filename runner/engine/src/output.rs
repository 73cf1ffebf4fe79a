//! From the bytes that a step prints to text that may be shown.

use stepbox_pipeline::Masker;

use crate::event::Stream;

/// What a step prints, on its way: secrets masked (rule V31), made text.
pub(crate) struct StepOutput {
    streams: [(Masker, Vec<u8>); 2],
}

impl StepOutput {
    /// The output of a step that begins now.
    pub(crate) fn new(secrets: &[String]) -> Self {
        let one = || (Masker::new(secrets.iter().map(String::as_str)), Vec::new());
        Self { streams: [one(), one()] }
    }

    /// Takes bytes, and gives the text that is sure by now.
    pub(crate) fn feed(&mut self, stream: Stream, bytes: &[u8]) -> Option<String> {
        let (masker, held) = &mut self.streams[stream as usize];
        held.extend(masker.feed(bytes));
        let end = complete(held);
        let text = String::from_utf8_lossy(&held[..end]).into_owned();
        held.drain(..end);
        (!text.is_empty()).then_some(text)
    }

    /// The step is over: what was held back.
    pub(crate) fn finish(&mut self) -> Vec<(Stream, String)> {
        let mut rest = vec![];
        for (stream, (masker, held)) in [Stream::Stdout, Stream::Stderr].into_iter().zip(&mut self.streams) {
            held.extend(masker.finish());
            if !held.is_empty() {
                rest.push((stream, String::from_utf8_lossy(held).into_owned()));
                held.clear();
            }
        }
        rest
    }
}

/// Where the last character ends that is not cut off.
fn complete(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(3) {
        let at = bytes.len() - back;
        let length = match bytes[at] {
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf7 => 4,
            0x80..=0xbf => continue,
            _ => return bytes.len(),
        };
        return if length > back { at } else { bytes.len() };
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_are_cut_stay_whole() {
        let text = "añ→😀z".as_bytes();
        for size in 1..text.len() {
            let mut output = StepOutput::new(&[]);
            let mut all = String::new();
            for piece in text.chunks(size) {
                all.extend(output.feed(Stream::Stdout, piece));
            }
            all.extend(output.finish().into_iter().map(|(_, text)| text));
            assert_eq!(all, "añ→😀z", "{size}");
        }
        let mut output = StepOutput::new(&[]);
        assert_eq!(output.feed(Stream::Stderr, b"x\xf0"), Some("x".to_owned()));
        assert_eq!(output.finish(), [(Stream::Stderr, "\u{fffd}".to_owned())]);
    }

    #[test]
    fn v31_secrets_are_masked_on_each_stream() {
        let mut output = StepOutput::new(&["hunter2".to_owned()]);
        let mut out = output.feed(Stream::Stdout, b"is hun").unwrap_or_default();
        assert_eq!(output.feed(Stream::Stderr, b"ter2"), Some("ter2".to_owned()));
        out.extend(output.feed(Stream::Stdout, b"ter2!\n"));
        out.extend(output.finish().into_iter().map(|(_, text)| text));
        assert_eq!(out, "is ****!\n");
    }
}
