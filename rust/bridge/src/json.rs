//! Values as JSON, as JavaScript's `JSON.stringify` writes them where it can.

use yrs::{Any, Number};

/// Appends a value. What JSON cannot say: bytes become Base64 text; `undefined` (in a list), NaN and
/// the infinities become null; BigInts become numbers with all their digits.
pub fn write(any: &Any, out: &mut String) {
    match any {
        Any::Null | Any::Undefined => out.push_str("null"),
        Any::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Any::Number(Number::Int(value)) => out.push_str(&value.to_string()),
        Any::Number(Number::Float(value)) if value.is_finite() => out.push_str(&number(*value)),
        Any::Number(_) => out.push_str("null"),
        Any::String(text) => string(text, out),
        Any::Buffer(bytes) => string(&base64(bytes), out),
        Any::Array(items) => list(out, items.iter(), write),
        Any::Map(map) => {
            let mut keys: Vec<_> = map.iter().filter(|(_, v)| **v != Any::Undefined).collect();
            keys.sort_by(|a, b| a.0.cmp(b.0));
            object(out, keys.into_iter(), write);
        }
    }
}

pub fn list<T>(out: &mut String, items: impl Iterator<Item = T>, mut write: impl FnMut(T, &mut String)) {
    out.push('[');
    for (i, item) in items.enumerate() {
        if i > 0 {
            out.push(',');
        }
        write(item, out);
    }
    out.push(']');
}

pub fn object<'a, T>(
    out: &mut String,
    items: impl Iterator<Item = (&'a String, T)>,
    mut write: impl FnMut(T, &mut String),
) {
    out.push('{');
    for (i, (key, item)) in items.enumerate() {
        if i > 0 {
            out.push(',');
        }
        string(key, out);
        out.push(':');
        write(item, out);
    }
    out.push('}');
}

pub fn string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// JavaScript's `Number.prototype.toString` of a finite number.
pub fn number(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let text = format!("{:e}", value.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let mut digits = mantissa.replace('.', "");
    let point = exponent.parse::<i32>().unwrap_or(0) + 1; // where the point stands, from the left
    let count = digits.len() as i32;
    if count <= point && point <= 21 {
        digits.push_str(&"0".repeat((point - count) as usize));
    } else if 0 < point && point <= 21 {
        digits.insert(point as usize, '.');
    } else if -6 < point && point <= 0 {
        digits.insert_str(0, &format!("0.{}", "0".repeat(-point as usize)));
    } else {
        if count > 1 {
            digits.insert(1, '.');
        }
        digits.push_str(&format!("e{:+}", point - 1));
    }
    if value < 0.0 { format!("-{digits}") } else { digits }
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0u32, |word, byte| word << 8 | *byte as u32) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let sextet = (word >> (18 - 6 * i)) & 63;
            out.push(if i <= chunk.len() { ALPHABET[sextet as usize] as char } else { '=' });
        }
    }
    out
}
