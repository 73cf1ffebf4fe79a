use super::expansion::Origin;

/// What is split, in order.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Token {
    Byte(u8, Origin),
    /// Something quoted stands here: there is a field, even an empty one.
    Force,
    /// A field ends here.
    Break,
}

/// Splits into fields at the separators (XCU 2.6.5).
pub(super) fn split(tokens: &[Token], separators: &[u8]) -> Vec<Vec<(u8, Origin)>> {
    let mut fields = vec![];
    let mut current: Option<Vec<(u8, Origin)>> = None;
    // White space has ended a field: a separator that follows belongs to the same end.
    let mut soft_end = false;
    for token in tokens {
        match *token {
            Token::Break => {
                fields.extend(current.take());
                soft_end = false;
            }
            Token::Force => {
                current.get_or_insert_default();
                soft_end = false;
            }
            Token::Byte(byte, Origin::Expanded) if separators.contains(&byte) => {
                if matches!(byte, b' ' | b'\t' | b'\n') {
                    if let Some(field) = current.take() {
                        fields.push(field);
                        soft_end = true;
                    }
                } else if soft_end {
                    soft_end = false;
                } else {
                    fields.push(current.take().unwrap_or_default());
                }
            }
            Token::Byte(byte, origin) => {
                current.get_or_insert_default().push((byte, origin));
                soft_end = false;
            }
        }
    }
    fields.extend(current);
    fields
}
