use super::{Parser, SyntaxError};
use crate::ir::{Part, Word};

impl Parser<'_> {
    /// Reads the bodies of the here-documents that were announced on the line before.
    pub(super) fn here_documents(&mut self) -> Result<(), SyntaxError> {
        for pending in std::mem::take(&mut self.pending) {
            let begin = self.line;
            let mut body: Vec<u8> = vec![];
            loop {
                if self.peek().is_none() {
                    // As every shell does: the end of the script ends it.
                    break;
                }
                let rest = &self.source[self.position..];
                let length = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
                let ended = length < rest.len();
                let mut line = &rest[..length];
                self.position += length + usize::from(ended);
                self.line += u32::from(ended);
                // A line that a backslash joins to the one before is no line of its own (XCU 2.7.4).
                let escapes = body.strip_suffix(b"\n").unwrap_or_default().iter().rev();
                let joined = !pending.literal && escapes.take_while(|byte| **byte == b'\\').count() % 2 == 1;
                if pending.strip_tabs && !joined {
                    line = &line[line.iter().take_while(|byte| **byte == b'\t').count()..];
                }
                if line == pending.delimiter && !joined {
                    break;
                }
                body.extend_from_slice(line);
                if ended {
                    body.push(b'\n');
                }
            }
            let word = if pending.literal {
                Word { parts: vec![Part::Quoted(body)] }
            } else {
                self.inner(&body, begin).here_document_body()?
            };
            // Set once: each redirection has a cell of its own.
            let _ = pending.body.set(word);
        }
        Ok(())
    }
}
