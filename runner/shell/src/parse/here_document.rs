use super::{Parser, SyntaxError};
use crate::ir::{Part, Word};

impl Parser<'_> {
    /// Reads the bodies of the here-documents that were announced on the line before.
    pub(super) fn here_documents(&mut self) -> Result<(), SyntaxError> {
        for pending in std::mem::take(&mut self.pending) {
            let begin = self.line;
            let mut body = vec![];
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
                if pending.strip_tabs {
                    line = &line[line.iter().take_while(|byte| **byte == b'\t').count()..];
                }
                if line == pending.delimiter {
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
