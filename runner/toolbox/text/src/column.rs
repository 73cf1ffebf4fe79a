use std::ffi::OsString;
use std::io::{self, Write};

use stepbox_tool::options::{Parsed, flag, parse, valued};
use stepbox_tool::{Streams, fail, read_whole};

/// The distance between tab stops.
const TAB: usize = 8;

/// `column`: fills columns (`-c -x`), or aligns a table (`-t -s -o -l -N -R`).
pub(crate) fn column(arguments: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    let known = [
        valued('c', "output-width"),
        flag('e', "table-header-repeat"),
        flag('L', "keep-empty-lines"),
        valued('l', "table-columns-limit"),
        valued('n', "table-name"),
        valued('N', "table-columns"),
        valued('o', "output-separator"),
        valued('R', "table-right"),
        valued('s', "separator"),
        flag('t', "table"),
        flag('x', "fillrows"),
        flag('d', "table-noheadings"),
    ];
    let mut parsed = match parse(arguments, &known) {
        Ok(parsed) => parsed,
        Err(message) => return fail("column", &message, streams),
    };
    if parsed.operands.is_empty() {
        parsed.operands.push("-".into());
    }
    let (mut text, mut status) = (String::new(), 0);
    for name in &parsed.operands {
        match read_whole(name.as_encoded_bytes(), streams.input) {
            Ok(data) => {
                text.push_str(&String::from_utf8_lossy(&data));
                if !text.is_empty() && !text.ends_with('\n') {
                    text.push('\n');
                }
            }
            Err(error) => {
                streams.complain("column", name, &error);
                status = 1;
            }
        }
    }
    let keep_empty = parsed.has('L');
    let lines: Vec<&str> = text.lines().filter(|line| keep_empty || !line.trim().is_empty()).collect();
    if parsed.has('t') {
        match Table::new(&lines, &parsed) {
            Ok(table) => table.write(streams.output)?,
            Err(message) => return fail("column", &message, streams),
        }
        return Ok(status);
    }
    match parsed.value('c').unwrap_or("80").parse() {
        Ok(width) => fill(&lines, width, parsed.has('x'), streams.output)?,
        Err(_) => return fail("column", "the width is no number", streams),
    }
    Ok(status)
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// Writes lines as cells of equal width, as many beside each other as there is room for.
fn fill(cells: &[&str], room: usize, by_row: bool, output: &mut dyn Write) -> io::Result<()> {
    let cell = (cells.iter().map(|cell| width(cell)).max().unwrap_or(0) + TAB) / TAB * TAB;
    let columns = (room / cell).max(1);
    let rows = cells.len().div_ceil(columns);
    for row in 0..rows {
        let numbers: Vec<usize> = match by_row {
            true => (row * columns..cells.len().min((row + 1) * columns)).collect(),
            false => (row..cells.len()).step_by(rows).collect(),
        };
        for (at, number) in numbers.iter().enumerate() {
            output.write_all(cells[*number].as_bytes())?;
            if at + 1 < numbers.len() {
                let tabs = (cell - width(cells[*number])).div_ceil(TAB);
                output.write_all("\t".repeat(tabs).as_bytes())?;
            }
        }
        output.write_all(b"\n")?;
    }
    Ok(())
}

struct Table<'a> {
    rows: Vec<Vec<&'a str>>,
    columns: usize,
    separator: &'a str,
    /// Columns that are aligned to the right.
    right: Vec<usize>,
}

impl<'a> Table<'a> {
    /// The error is a message.
    fn new(lines: &[&'a str], parsed: &'a Parsed) -> Result<Self, String> {
        let limit = match parsed.value('l') {
            None => usize::MAX,
            Some(text) => match text.parse() {
                Ok(0) | Err(_) => return Err(format!("`{text}` is no number of columns")),
                Ok(limit) => limit,
            },
        };
        let mut rows: Vec<Vec<&str>> = lines.iter().map(|line| cells(line, parsed.value('s'), limit)).collect();
        let names: Vec<&str> = parsed.value('N').map(|names| names.split(',').collect()).unwrap_or_default();
        let columns = rows.iter().map(Vec::len).chain([names.len()]).max().unwrap_or(0);
        let mut right = vec![];
        for name in parsed.value('R').unwrap_or_default().split(',').filter(|name| !name.is_empty()) {
            let number = names.iter().position(|found| *found == name).map(|at| at + 1);
            match number.or_else(|| name.parse().ok()) {
                Some(number) if (1..=columns).contains(&number) => right.push(number - 1),
                _ => return Err(format!("undefined column name '{name}'")),
            }
        }
        if !names.is_empty() && !parsed.has('d') {
            rows.insert(0, names);
        }
        Ok(Self { rows, columns, separator: parsed.value('o').unwrap_or("  "), right })
    }

    fn write(&self, output: &mut dyn Write) -> io::Result<()> {
        let cell = |row: &[&'a str], column: usize| row.get(column).copied().unwrap_or_default();
        let widths: Vec<usize> = (0..self.columns)
            .map(|column| self.rows.iter().map(|row| width(cell(row, column))).max().unwrap_or(0))
            .collect();
        for row in &self.rows {
            for (column, wide) in widths.iter().enumerate() {
                let text = cell(row, column);
                let padding = " ".repeat(wide - width(text));
                let last = column + 1 == self.columns;
                match (self.right.contains(&column), last) {
                    (true, _) => write!(output, "{padding}{text}")?,
                    (false, true) => write!(output, "{text}")?,
                    (false, false) => write!(output, "{text}{padding}")?,
                }
                output.write_all(if last { b"\n" } else { self.separator.as_bytes() })?;
            }
        }
        Ok(())
    }
}

/// The cells of a line: between white space of any length, or between single characters that separate. The last of
/// `limit` has all that is left.
fn cells<'a>(line: &'a str, separators: Option<&str>, limit: usize) -> Vec<&'a str> {
    match separators {
        Some(separators) => line.splitn(limit, |character| separators.contains(character)).collect(),
        None => {
            let mut rest = line.trim_matches([' ', '\t']);
            let mut cells = vec![];
            while !rest.is_empty() {
                let end = rest.find([' ', '\t']).filter(|_| cells.len() + 1 < limit).unwrap_or(rest.len());
                cells.push(&rest[..end]);
                rest = rest[end..].trim_start_matches([' ', '\t']);
            }
            cells
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn output_is_that_of_the_real_one() {
        // Made with column of util-linux 2.38.
        let (cases, input) = (include_str!("column/cases.txt"), include_bytes!("column/input.txt"));
        stepbox_tool::testing::compare(crate::find_tool, cases, input);
    }
}
