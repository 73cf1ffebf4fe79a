//! What differs between two sequences: the shortest edit script of E. W. Myers ("An O(ND) Difference Algorithm and Its
//! Variations", 1986) in linear space, with changes slid to where a reader expects them.

use std::ops::Range;

/// Neighbouring elements of both sequences that differ.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Change {
    /// What goes from the first.
    pub(crate) old: Range<usize>,
    /// What comes from the second.
    pub(crate) new: Range<usize>,
}

/// How many edits one part is searched for; a script of more may be longer than it must be.
const MAX_COST: usize = 4096;

/// The changes that make `new` of `old`, in their order. With `minimal` no script is shorter, whatever that costs.
pub(crate) fn compare(old: &[u32], new: &[u32], minimal: bool) -> Vec<Change> {
    let mut sides = [Side::new(old), Side::new(new)];
    // What the other side has nowhere is different in any case; without it there is less to compare.
    let kept = if minimal {
        [(0..old.len()).collect(), (0..new.len()).collect()]
    } else {
        [kept(old, new, &mut sides[0].changed), kept(new, old, &mut sides[1].changed)]
    };
    let values = [values(old, &kept[0]), values(new, &kept[1])];
    let size = values[0].len() + values[1].len() + 3;
    let mut search = Search {
        old: &values[0],
        new: &values[1],
        kept: [&kept[0], &kept[1]],
        forward: vec![0; size],
        backward: vec![0; size],
        offset: values[1].len() + 1,
        removed: vec![],
        added: vec![],
        minimal,
    };
    search.run();
    for at in search.removed {
        sides[0].changed[at] = true;
    }
    for at in search.added {
        sides[1].changed[at] = true;
    }
    let [first, second] = &mut sides;
    first.slide(second);
    second.slide(first);
    changes(&first.changed, &second.changed)
}

/// The places of elements that the other side has too; the others are marked as changed.
fn kept(mine: &[u32], other: &[u32], changed: &mut [bool]) -> Vec<usize> {
    let most = mine.iter().chain(other).max().map_or(0, |most| *most as usize + 1);
    let mut there = vec![false; most];
    for value in other {
        there[*value as usize] = true;
    }
    let mut kept = vec![];
    for (at, value) in mine.iter().enumerate() {
        if there[*value as usize] {
            kept.push(at);
        } else {
            changed[at] = true;
        }
    }
    kept
}

fn values(all: &[u32], kept: &[usize]) -> Vec<u32> {
    kept.iter().map(|at| all[*at]).collect()
}

fn changes(removed: &[bool], added: &[bool]) -> Vec<Change> {
    let (mut at, mut changes) = ((0, 0), vec![]);
    while at.0 < removed.len() || at.1 < added.len() {
        let begin = at;
        while removed.get(at.0) == Some(&true) {
            at.0 += 1;
        }
        while added.get(at.1) == Some(&true) {
            at.1 += 1;
        }
        if at == begin {
            at = (at.0 + 1, at.1 + 1);
        } else {
            changes.push(Change { old: begin.0..at.0, new: begin.1..at.1 });
        }
    }
    changes
}

struct Search<'a> {
    old: &'a [u32],
    new: &'a [u32],
    /// Where the elements are in the whole sequences.
    kept: [&'a [usize]; 2],
    /// How far one gets on each diagonal from the beginning, and from the end.
    forward: Vec<isize>,
    backward: Vec<isize>,
    /// The index of the diagonal 0.
    offset: usize,
    removed: Vec<usize>,
    added: Vec<usize>,
    minimal: bool,
}

impl Search<'_> {
    fn run(&mut self) {
        let mut waiting = vec![(0..self.old.len(), 0..self.new.len())];
        while let Some((mut old, mut new)) = waiting.pop() {
            while !old.is_empty() && !new.is_empty() && self.old[old.start] == self.new[new.start] {
                (old.start, new.start) = (old.start + 1, new.start + 1);
            }
            while !old.is_empty() && !new.is_empty() && self.old[old.end - 1] == self.new[new.end - 1] {
                (old.end, new.end) = (old.end - 1, new.end - 1);
            }
            if old.is_empty() {
                self.added.extend(&self.kept[1][new]);
            } else if new.is_empty() {
                self.removed.extend(&self.kept[0][old]);
            } else {
                let (x, y) = self.middle(&old, &new);
                waiting.push((old.start..x, new.start..y));
                waiting.push((x..old.end, y..new.end));
            }
        }
    }

    /// A place on a shortest way from one corner to the other.
    fn middle(&mut self, old: &Range<usize>, new: &Range<usize>) -> (usize, usize) {
        let [left, right, top, bottom] = [old.start, old.end, new.start, new.end].map(|place| place as isize);
        let (lowest, highest) = (left - bottom, right - top);
        let (from, to) = (left - top, right - bottom);
        let offset = self.offset as isize;
        let at = |diagonal: isize| (diagonal + offset) as usize;
        let odd = (from - to) & 1 != 0;
        self.forward[at(from)] = left;
        self.backward[at(to)] = right;
        let (mut forward, mut backward) = ((from, from), (to, to));
        for cost in 1.. {
            widen(&mut forward, lowest, highest, |diagonal| self.forward[at(diagonal)] = -1);
            let mut diagonal = forward.1;
            while diagonal >= forward.0 {
                let (below, above) = (self.forward[at(diagonal - 1)], self.forward[at(diagonal + 1)]);
                let mut x = if below < above { above } else { below + 1 };
                while x < right && x - diagonal < bottom && self.equal(x, x - diagonal) {
                    x += 1;
                }
                self.forward[at(diagonal)] = x;
                if odd && (backward.0..=backward.1).contains(&diagonal) && self.backward[at(diagonal)] <= x {
                    return (x as usize, (x - diagonal) as usize);
                }
                diagonal -= 2;
            }
            widen(&mut backward, lowest, highest, |diagonal| self.backward[at(diagonal)] = isize::MAX);
            let mut diagonal = backward.1;
            while diagonal >= backward.0 {
                let (below, above) = (self.backward[at(diagonal - 1)], self.backward[at(diagonal + 1)]);
                let mut x = if below < above { below } else { above - 1 };
                while x > left && x - diagonal > top && self.equal(x - 1, x - diagonal - 1) {
                    x -= 1;
                }
                self.backward[at(diagonal)] = x;
                if !odd && (forward.0..=forward.1).contains(&diagonal) && x <= self.forward[at(diagonal)] {
                    return (x as usize, (x - diagonal) as usize);
                }
                diagonal -= 2;
            }
            if cost >= MAX_COST && !self.minimal {
                return self.furthest(forward, [left, right, top, bottom]);
            }
        }
        (old.end, new.end)
    }

    fn equal(&self, x: isize, y: isize) -> bool {
        self.old[x as usize] == self.new[y as usize]
    }

    /// The place that is furthest from the beginning of all that were reached.
    fn furthest(&self, (low, high): (isize, isize), corners: [isize; 4]) -> (usize, usize) {
        let [left, right, top, bottom] = corners;
        let mut best = (left, top);
        for diagonal in (low..=high).rev().step_by(2) {
            let x = self.forward[(diagonal + self.offset as isize) as usize].min(right);
            let y = (x - diagonal).min(bottom);
            let x = y + diagonal;
            if x >= left && y >= top && x + y > best.0 + best.1 {
                best = (x, y);
            }
        }
        (best.0 as usize, best.1 as usize)
    }
}

/// One more diagonal at both ends, or one less where they leave the field.
fn widen(ends: &mut (isize, isize), lowest: isize, highest: isize, mut clear: impl FnMut(isize)) {
    if ends.0 > lowest {
        ends.0 -= 1;
        clear(ends.0 - 1);
    } else {
        ends.0 += 1;
    }
    if ends.1 < highest {
        ends.1 += 1;
        clear(ends.1 + 1);
    } else {
        ends.1 -= 1;
    }
}

/// A sequence, and which of its elements are no part of what both have.
struct Side<'a> {
    values: &'a [u32],
    changed: Vec<bool>,
}

impl<'a> Side<'a> {
    fn new(values: &'a [u32]) -> Self {
        Self { values, changed: vec![false; values.len()] }
    }

    /// The end of the run of changes that begins at a place; the run may be empty.
    fn end_of_run(&self, start: usize) -> usize {
        self.changed[start..].iter().position(|changed| !changed).map_or(self.changed.len(), |length| start + length)
    }

    fn start_of_run(&self, end: usize) -> usize {
        self.changed[..end].iter().rposition(|changed| !changed).map_or(0, |at| at + 1)
    }

    /// Moves each run of changes, where the elements at its ends are equal, as far down as it goes, but beside a change of the
    /// other side where there is one. Runs that meet become one.
    fn slide(&mut self, other: &Side<'_>) {
        // The places between unchanged elements of both sides correspond.
        let (mut start, mut beside) = (0, 0);
        loop {
            let mut end = self.end_of_run(start);
            let mut other_end = other.end_of_run(beside);
            if end > start {
                let mut aligned;
                let mut lowest;
                loop {
                    let length = end - start;
                    while start > 0 && self.values[start - 1] == self.values[end - 1] {
                        start -= 1;
                        end -= 1;
                        self.changed[start] = true;
                        self.changed[end] = false;
                        start = self.start_of_run(start);
                        // One unchanged element of the other side up, and over its changes.
                        other_end = beside - 1;
                        beside = other.start_of_run(other_end);
                    }
                    lowest = end;
                    aligned = (other_end > beside).then_some(end);
                    while end < self.values.len() && self.values[start] == self.values[end] {
                        self.changed[start] = false;
                        self.changed[end] = true;
                        start += 1;
                        end = self.end_of_run(end + 1);
                        beside = other_end + 1;
                        other_end = other.end_of_run(beside);
                        if other_end > beside {
                            aligned = Some(end);
                        }
                    }
                    if end - start == length {
                        break;
                    }
                }
                if let Some(aligned) = aligned
                    && lowest < end
                {
                    while end > aligned {
                        start -= 1;
                        end -= 1;
                        self.changed[start] = true;
                        self.changed[end] = false;
                        other_end = beside - 1;
                        beside = other.start_of_run(other_end);
                    }
                }
            }
            if end >= self.values.len() {
                break;
            }
            (start, beside) = (end + 1, other_end + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(old: &str, new: &str) -> Vec<(Range<usize>, Range<usize>)> {
        let values = |text: &str| text.bytes().map(u32::from).collect::<Vec<u32>>();
        compare(&values(old), &values(new), false).into_iter().map(|change| (change.old, change.new)).collect()
    }

    #[test]
    fn scripts_are_short_and_slid_down() {
        assert_eq!(script("abc", "abc"), []);
        assert_eq!(script("", "ab"), [(0..0, 0..2)]);
        assert_eq!(script("abc", "axc"), [(1..2, 1..2)]);
        assert_eq!(script("aaab", "aaaab"), [(3..3, 3..4)]);
        assert_eq!(script("{x}{y}", "{x}{x}{y}").len(), 1);
    }

    #[test]
    fn every_script_makes_the_new_of_the_old() {
        let mut state = 1_u32;
        let mut random = |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) % below
        };
        for round in 0..3000 {
            let letters = 1 + random(5);
            let mut sequence = |length| (0..length).map(|_| random(letters)).collect::<Vec<u32>>();
            let (old, new) = (sequence(round % 13), sequence(round % 17));
            let (mut made, mut at): (Vec<u32>, usize) = (vec![], 0);
            for change in compare(&old, &new, round % 2 == 0) {
                made.extend(&old[at..change.old.start]);
                made.extend(&new[change.new.clone()]);
                at = change.old.end;
            }
            made.extend(&old[at..]);
            assert_eq!(made, new, "{old:?}");
        }
    }

    #[test]
    fn what_has_little_in_common_ends() {
        let mut state = 1_u32;
        let mut sequence = || -> Vec<u32> {
            (0..30_000)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 16) % 100
                })
                .collect()
        };
        assert!(!compare(&sequence(), &sequence(), false).is_empty());
    }
}
