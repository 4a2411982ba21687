//! Shared types as JSON, plain text, Quill deltas and XML, as Yjs' `toJSON`, `toString` and
//! `toDelta` give them; and `content`, which loses nothing.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use yrs::types::Attrs;
use yrs::{Any, Number, Out, TransactionMut};

use crate::document::{Kind, Roots, Type};
use crate::guard::Broken;
use crate::json;

/// The C++ side refuses deeper documents before they come here, with a smaller limit.
const DEPTH_MAX: usize = 600;

type Written = Result<(), Broken>;

pub fn json(roots: &Roots) -> Result<String, Broken> {
    written(|out| members(out, roots.all().iter(), |root, out| write_json(root, out, 0)))
}

pub fn text(root: Type) -> Result<String, Broken> {
    written(|out| match root.kind {
        Kind::Fragment | Kind::Element(_) => write_xml(&root, out, 0),
        _ => {
            write_plain(&root, out);
            Ok(())
        }
    })
}

pub fn delta(root: Type) -> Result<String, Broken> {
    written(|out| write_delta(&root, out, 0))
}

pub fn xml(mut root: Type) -> Result<String, Broken> {
    if matches!(root.kind, Kind::Text) {
        root.kind = Kind::XmlText;
    }
    written(|out| write_xml(&root, out, 0))
}

pub fn content(roots: &Roots) -> Result<String, Broken> {
    written(|out| {
        out.push_str("{\"stateVector\":");
        let vector = roots.state_vector().into_iter().map(|(c, n)| (c.to_string(), n)).collect::<Vec<_>>();
        json::object(out, vector.iter().map(|(c, n)| (c, n)), |n, out| out.push_str(&n.to_string()));
        out.push_str(",\"roots\":");
        members(out, roots.all().iter(), |root, out| write_content(root, out, 0))?;
        out.push('}');
        Ok(())
    })
}

fn written(write: impl FnOnce(&mut String) -> Written) -> Result<String, Broken> {
    let mut out = String::new();
    write(&mut out)?;
    Ok(out)
}

fn deeper(depth: usize) -> Result<usize, Broken> {
    if depth < DEPTH_MAX { Ok(depth + 1) } else { Err(Broken::TooDeep) }
}

fn items<T>(
    out: &mut String,
    items: impl Iterator<Item = T>,
    mut write: impl FnMut(T, &mut String) -> Written,
) -> Written {
    let mut result = Ok(());
    json::list(out, items, |item, out| {
        if result.is_ok() {
            result = write(item, out);
        }
    });
    result
}

fn members<'a, T>(
    out: &mut String,
    items: impl Iterator<Item = (&'a String, T)>,
    mut write: impl FnMut(T, &mut String) -> Written,
) -> Written {
    let mut result = Ok(());
    json::object(out, items, |item, out| {
        if result.is_ok() {
            result = write(item, out);
        }
    });
    result
}

/// A shared type goes to `write`, a plain value straight out.
fn value<'a>(
    value: Out,
    txn: &'a TransactionMut<'a>,
    out: &mut String,
    depth: usize,
    write: fn(&Type<'a>, &mut String, usize) -> Written,
) -> Written {
    match Type::of(value, txn) {
        Ok(inner) => write(&inner, out, deeper(depth)?),
        Err(any) => {
            json::write(&any, out);
            Ok(())
        }
    }
}

/// Keys whose value is `undefined` are left out, as JSON.stringify does.
fn defined(entries: BTreeMap<String, Out>) -> Vec<(String, Out)> {
    entries.into_iter().filter(|(_, out)| !matches!(out, Out::Any(Any::Undefined))).collect()
}

fn write_json<'a>(this: &Type<'a>, out: &mut String, depth: usize) -> Written {
    let txn = this.txn();
    match this.kind {
        Kind::Array => items(out, this.elements()?, |v, out| value(v, txn, out, depth, write_json)),
        Kind::Map => {
            let entries = defined(this.entries());
            let refs = entries.iter().map(|(key, v)| (key, v.clone()));
            members(out, refs, |v, out| value(v, txn, out, depth, write_json))
        }
        Kind::Unknown => {
            out.push_str("null");
            Ok(())
        }
        _ => {
            let mut text = String::new();
            write_string(this, &mut text, depth)?;
            json::string(&text, out);
            Ok(())
        }
    }
}

fn write_plain(this: &Type, out: &mut String) {
    for chunk in this.chunks() {
        if let Out::Any(Any::String(text)) = chunk.insert {
            out.push_str(&text);
        }
    }
}

fn sorted(attributes: &Option<Box<Attrs>>) -> Vec<(String, &Any)> {
    let mut list: Vec<_> =
        attributes.iter().flat_map(|a| a.iter()).map(|(k, v)| (k.to_string(), v)).collect();
    list.sort_by(|a, b| utf16_order(&a.0, &b.0));
    list
}

fn write_delta<'a>(this: &Type<'a>, out: &mut String, depth: usize) -> Written {
    let txn = this.txn();
    items(out, this.chunks().into_iter(), |chunk, out| {
        out.push_str("{\"insert\":");
        value(chunk.insert, txn, out, depth, write_json)?;
        let attributes = sorted(&chunk.attributes);
        if !attributes.is_empty() {
            out.push_str(",\"attributes\":");
            json::object(out, attributes.iter().map(|(key, v)| (key, *v)), json::write);
        }
        out.push('}');
        Ok(())
    })
}

fn write_content<'a>(this: &Type<'a>, out: &mut String, depth: usize) -> Written {
    let txn = this.txn();
    let kind = match &this.kind {
        Kind::Text => "text",
        Kind::Array => "array",
        Kind::Map => "map",
        Kind::Element(_) => "xmlElement",
        Kind::Fragment => "xmlFragment",
        Kind::XmlText => "xmlText",
        Kind::Unknown => "unknown",
    };
    out.push_str("{\"type\":");
    json::string(kind, out);
    if let Kind::Element(name) = &this.kind {
        out.push_str(",\"name\":");
        json::string(name, out);
    }
    let entries = this.entries();
    if !entries.is_empty() {
        out.push_str(",\"entries\":");
        let refs = entries.iter().map(|(key, v)| (key, v.clone()));
        members(out, refs, |v, out| value(v, txn, out, depth, write_content))?;
    }
    match this.kind {
        Kind::Text | Kind::XmlText => {
            out.push_str(",\"delta\":");
            write_joined(this, out, depth)?;
        }
        Kind::Array | Kind::Element(_) | Kind::Fragment => {
            out.push_str(",\"items\":");
            items(out, this.elements()?, |v, out| value(v, txn, out, depth, write_content))?;
        }
        Kind::Map | Kind::Unknown => {}
    }
    out.push('}');
    Ok(())
}

/// A delta in which neighbours with equal formats are one.
fn write_joined<'a>(this: &Type<'a>, out: &mut String, depth: usize) -> Written {
    let mut joined: Vec<(Result<String, Out>, String)> = Vec::new();
    for chunk in this.chunks() {
        let mut formats = String::new();
        let list = sorted(&chunk.attributes);
        json::object(&mut formats, list.iter().map(|(key, v)| (key, *v)), json::write);
        match (chunk.insert, joined.last_mut()) {
            (Out::Any(Any::String(text)), Some((Ok(before), same))) if *same == formats => {
                before.push_str(&text)
            }
            (Out::Any(Any::String(text)), _) => joined.push((Ok(text.to_string()), formats)),
            (other, _) => joined.push((Err(other), formats)),
        }
    }
    items(out, joined.into_iter(), |(insert, formats), out| {
        out.push_str("{\"insert\":");
        match insert {
            Ok(text) => json::string(&text, out),
            Err(other) => value(other, this.txn(), out, depth, write_content)?,
        }
        if formats != "{}" {
            out.push_str(",\"attributes\":");
            out.push_str(&formats);
        }
        out.push('}');
        Ok(())
    })
}

/// What JavaScript's `String(type)` gives.
fn write_string<'a>(this: &Type<'a>, out: &mut String, depth: usize) -> Written {
    match this.kind {
        Kind::Text => {
            write_plain(this, out);
            Ok(())
        }
        Kind::Element(_) | Kind::Fragment | Kind::XmlText => write_xml(this, out, depth),
        Kind::Array | Kind::Map | Kind::Unknown => {
            out.push_str("[object Object]");
            Ok(())
        }
    }
}

fn write_value_string<'a>(
    value: Out,
    txn: &'a TransactionMut<'a>,
    out: &mut String,
    depth: usize,
) -> Written {
    match Type::of(value, txn) {
        Ok(inner) => write_string(&inner, out, deeper(depth)?),
        Err(any) => {
            out.push_str(&any_string(&any));
            Ok(())
        }
    }
}

/// What JavaScript's `String(value)` gives.
fn any_string(any: &Any) -> String {
    let in_list = |item: &Any| match item {
        Any::Null | Any::Undefined => String::new(),
        other => any_string(other),
    };
    match any {
        Any::Null => "null".into(),
        Any::Undefined => "undefined".into(),
        Any::Bool(value) => value.to_string(),
        Any::Number(Number::Int(value)) => value.to_string(),
        Any::Number(Number::Float(value)) if value.is_nan() => "NaN".into(),
        Any::Number(Number::Float(value)) if *value == f64::INFINITY => "Infinity".into(),
        Any::Number(Number::Float(value)) if *value == f64::NEG_INFINITY => "-Infinity".into(),
        Any::Number(Number::Float(value)) => json::number(*value),
        Any::String(text) => text.to_string(),
        Any::Buffer(bytes) => bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(","),
        Any::Array(items) => items.iter().map(in_list).collect::<Vec<_>>().join(","),
        Any::Map(_) => "[object Object]".into(),
    }
}

/// Yjs escapes nothing in XML, so neither does this.
fn write_xml<'a>(this: &Type<'a>, out: &mut String, depth: usize) -> Written {
    let txn = this.txn();
    let close = match &this.kind {
        Kind::XmlText => return write_xml_text(this, out, depth),
        Kind::Element(name) => {
            let name = name.to_lowercase();
            out.push('<');
            out.push_str(&name);
            let mut attributes: Vec<_> = this.entries().into_iter().collect();
            attributes.sort_by(|a, b| utf16_order(&a.0, &b.0));
            for (key, attribute) in attributes {
                out.push_str(&format!(" {key}=\""));
                write_value_string(attribute, txn, out, depth)?;
                out.push('"');
            }
            out.push('>');
            format!("</{name}>")
        }
        _ => String::new(),
    };
    for child in this.elements()? {
        write_value_string(child, txn, out, depth)?;
    }
    out.push_str(&close);
    Ok(())
}

/// Formats become elements around each run, their objects' properties attributes.
fn write_xml_text<'a>(this: &Type<'a>, out: &mut String, depth: usize) -> Written {
    for chunk in this.chunks() {
        let formats = sorted(&chunk.attributes);
        for (name, format) in &formats {
            out.push_str(&format!("<{name}"));
            for (key, property) in properties(format) {
                out.push_str(&format!(" {key}=\"{property}\""));
            }
            out.push('>');
        }
        write_value_string(chunk.insert, this.txn(), out, depth)?;
        for (name, _) in formats.iter().rev() {
            out.push_str(&format!("</{name}>"));
        }
    }
    Ok(())
}

/// What JavaScript's `for … in` finds in a value, in the order of the keys as strings.
fn properties(any: &Any) -> Vec<(String, String)> {
    let indexed = |list: Vec<String>| list.into_iter().enumerate().map(|(i, s)| (i.to_string(), s)).collect();
    let mut found: Vec<(String, String)> = match any {
        Any::Map(map) => map.iter().map(|(key, v)| (key.clone(), any_string(v))).collect(),
        Any::Array(items) => indexed(items.iter().map(any_string).collect()),
        Any::Buffer(bytes) => indexed(bytes.iter().map(u8::to_string).collect()),
        Any::String(text) => {
            indexed(text.encode_utf16().map(|unit| String::from_utf16_lossy(&[unit])).collect())
        }
        _ => Vec::new(),
    };
    found.sort_by(|a, b| utf16_order(&a.0, &b.0));
    found
}

/// How JavaScript compares strings.
fn utf16_order(a: &str, b: &str) -> Ordering {
    a.encode_utf16().cmp(b.encode_utf16())
}
