//! Text that may hold `${{NAME}}` (rules V1, V2).

use crate::place::Place;

/// A `${{…}}` in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hole {
    /// Byte offset of the `$` in the text.
    pub start: usize,
    /// Byte offset behind the last brace.
    pub end: usize,
    /// What stands between the braces, without the spaces around it.
    pub name: String,
}

/// The holes of a text, from left to right: `\$\{{2}(.+?)\}{2}`, the official recogniser.
#[must_use]
pub fn holes(text: &str) -> Vec<Hole> {
    let mut found = Vec::new();
    let mut from = 0;
    // Both only move forward, so that hostile text costs one pass.
    let mut close = 0;
    let mut newline = 0;
    while let Some(at) = text[from..].find("${{").map(|at| from + at) {
        let inside = at + 3;
        let first = text[inside..].chars().next().map_or(inside, |c| inside + c.len_utf8());
        if close < first {
            match text[first..].find("}}") {
                Some(found) => close = first + found,
                None => break,
            }
        }
        if newline < inside {
            newline = text[inside..].find('\n').map_or(text.len(), |at| inside + at);
        }
        if newline < close {
            from = inside;
            continue;
        }
        found.push(Hole { start: at, end: close + 2, name: text[inside..close].trim().to_owned() });
        from = close + 2;
    }
    found
}

/// A string of a pipeline in which `${{NAME}}` is replaced when its step starts (rule V7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
    place: Place,
    holes: Vec<Hole>,
    /// Places of the holes in the document, as far as the text stands there as it is.
    places: Vec<Place>,
}

impl Template {
    /// A template that stands at a place; `source` is the whole document.
    pub(crate) fn new(text: &str, place: Place, source: &str) -> Self {
        let holes = holes(text);
        let mut places = Vec::with_capacity(holes.len());
        let end = place.offset + place.length;
        let mut from = place.offset;
        let (mut line, mut begin) = (place.line, place.offset);
        let mut column = place.column;
        for hole in &holes {
            let literal = &text[hole.start..hole.end];
            let Some(at) = source.get(from..end).and_then(|rest| rest.find(literal)).map(|at| from + at) else {
                break;
            };
            for c in source[begin..at].chars() {
                (line, column) = if c == '\n' { (line + 1, 1) } else { (line, column + 1) };
            }
            begin = at;
            places.push(Place { line, column, offset: at, length: literal.len() });
            from = at + literal.len();
        }
        Self { text: text.to_owned(), place, holes, places }
    }

    /// A template that stands in no document.
    #[must_use]
    pub fn literal(text: &str) -> Self {
        Self { text: text.to_owned(), place: Place::default(), holes: holes(text), places: Vec::new() }
    }

    /// The text as written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where the text stands.
    #[must_use]
    pub fn place(&self) -> Place {
        self.place
    }

    /// Its holes, from left to right.
    #[must_use]
    pub fn holes(&self) -> &[Hole] {
        &self.holes
    }

    /// The place of a hole in the document, by its number; that of the whole text where it cannot be told.
    #[must_use]
    pub fn place_of_hole(&self, number: usize) -> Place {
        self.places.get(number).copied().unwrap_or(self.place)
    }

    /// The place of a line of the text, from 1; that of the whole text where it cannot be told. `source` is the document that the
    /// text stands in.
    #[must_use]
    pub fn place_of_line(&self, line: usize, source: &str) -> Place {
        let end = self.place.offset + self.place.length;
        let mut from = self.place.offset;
        let mut found = None;
        // Each line is looked for behind the one before it, as it stands in a block or in quotes.
        for text in self.text.lines().take(line) {
            let text = text.trim();
            let Some(at) = source.get(from..end).and_then(|rest| rest.find(text)) else { return self.place };
            found = Some((from + at, text.len()));
            from += at + text.len();
        }
        let Some((offset, length)) = found.filter(|(_, length)| *length > 0) else { return self.place };
        let mut place = Place { offset, length, ..self.place };
        for c in source[self.place.offset..offset].chars() {
            (place.line, place.column) = if c == '\n' { (place.line + 1, 1) } else { (place.line, place.column + 1) };
        }
        place
    }

    /// The place of the hole that begins at a byte offset of the text.
    #[must_use]
    pub fn place_of_offset(&self, offset: usize) -> Place {
        self.holes.iter().position(|hole| hole.start == offset).map_or(self.place, |number| self.place_of_hole(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        holes(text).into_iter().map(|hole| hole.name).collect()
    }

    #[test]
    fn v1_the_recogniser_is_not_greedy_and_does_not_nest() {
        assert_eq!(names("a ${{A}} b ${{B}}"), ["A", "B"]);
        assert_eq!(names("${{ ${{A}} }}"), ["${{A"]);
        assert_eq!(names("${{A}"), [""; 0]);
        assert_eq!(names("${{}}"), [""; 0]);
        assert_eq!(names("${{A\n}} ${{B}}"), ["B"]);
        assert_eq!(names("$${{A}}}"), ["A"]);
    }

    #[test]
    fn v2_names_have_dots_dashes_and_spaces_around() {
        assert_eq!(names("${{ steps.a-b.output.X_1 }}"), ["steps.a-b.output.X_1"]);
    }

    #[test]
    fn v1_hostile_text_costs_one_pass() {
        assert_eq!(holes(&"${{".repeat(300_000)).len(), 0);
        assert_eq!(holes(&"${{\n".repeat(200_000)).len(), 0);
        assert_eq!(holes(&format!("{}}}}}", "${{\n".repeat(200_000))).len(), 0);
    }

    #[test]
    fn v1_holes_know_their_places() {
        let source = "x: |\n  a\n  é ${{B}}\n";
        let place = Place { line: 1, column: 4, offset: 3, length: source.len() - 3 };
        let template = Template::new("a\né ${{B}}\n", place, source);
        let hole = template.place_of_hole(0);
        assert_eq!((hole.line, hole.column, &source[hole.offset..hole.offset + hole.length]), (3, 5, "${{B}}"));
    }

    #[test]
    fn lines_of_a_text_know_their_places() {
        let source = "x: |\n  a\n\n  if a; then\n    b\n  fi\n";
        let place = Place { line: 1, column: 4, offset: 3, length: source.len() - 3 };
        let template = Template::new("a\n\nif a; then\n  b\nfi\n", place, source);
        let places = [1, 3, 4, 5, 6].map(|line| template.place_of_line(line, source));
        assert_eq!(places.map(|place| (place.line, place.column)), [(2, 3), (4, 3), (5, 5), (6, 3), (6, 3)]);
        // What is written in another way than it is.
        let source = "'a''b'";
        let place = Place { line: 1, column: 1, offset: 0, length: source.len() };
        assert_eq!(Template::new("a'b", place, source).place_of_line(1, source), place);
    }

    #[test]
    fn v1_equal_holes_have_places_of_their_own() {
        let source = "'${{A}} ${{A}}'";
        let place = Place { line: 1, column: 1, offset: 0, length: source.len() };
        let template = Template::new("${{A}} ${{A}}", place, source);
        assert_eq!([0, 1].map(|number| template.place_of_hole(number).column), [2, 9]);
        assert_eq!(template.place_of_offset(7).column, 9);
        assert_eq!(template.place_of_hole(2), place);
    }
}
