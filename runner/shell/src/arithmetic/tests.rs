use std::collections::BTreeMap;

use super::*;

impl Variables for BTreeMap<Vec<u8>, Vec<u8>> {
    fn get(&mut self, name: &[u8]) -> Result<Cow<'_, [u8]>, String> {
        Ok(BTreeMap::get(self, name).map_or(Cow::Borrowed(b""), |value| Cow::Borrowed(value)))
    }

    fn set(&mut self, name: &[u8], value: i64) -> Result<(), String> {
        self.insert(name.to_vec(), value.to_string().into_bytes());
        Ok(())
    }
}

fn value(text: &str) -> Result<i64, String> {
    let mut variables = BTreeMap::from([(b"x".to_vec(), b"5".to_vec()), (b"y".to_vec(), b"x+1".to_vec())]);
    evaluate(text.as_bytes(), &mut variables)
}

#[test]
fn xcu_2_6_4_arithmetic_has_the_operators_of_c() {
    for (text, expected) in [
        ("", 0),
        ("1+2*3", 7),
        ("(1+2)*3", 9),
        ("2-3-4", -5),
        ("7/2*2+7%2", 7),
        ("x", 5),
        ("y*2", 12),
        ("x=3, x+=4, x<<1", 14),
        ("x++ + x", 11),
        ("--x", 4),
        ("1 ? 2 : 3", 2),
        ("0 && 1/0", 0),
        ("1 || 1/0", 1),
        ("!0 + ~0", 0),
        ("0x1F + 010 + 2#101", 44),
        ("1 < 2 == 1", 1),
        ("5 & 3 | 8 ^ 1", 9),
        ("- -1", 1),
        ("9223372036854775807 + 1", i64::MIN),
        ("a = b = 4", 4),
    ] {
        assert_eq!(value(text), Ok(expected), "{text}");
    }
}

#[test]
fn bad_expressions_are_errors() {
    for text in ["1/0", "1 +", "(1", "1 2", "09", "1 = 2", "x ? 1", "$", "++1x"] {
        assert!(value(text).is_err(), "{text}: {:?}", value(text));
    }
    assert!(value(&"(".repeat(100_000)).is_err());
    assert!(value(&"-".repeat(100_000)).is_err());
}
