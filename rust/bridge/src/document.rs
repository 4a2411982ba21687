//! A document rebuilt by yrs, and its roots.

use std::collections::BTreeMap;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use yrs::branch::BranchPtr;
use yrs::types::TypeRef;
use yrs::types::text::{Diff, YChange};
use yrs::updates::decoder::Decode;
use yrs::{
    Any, Array, ArrayRef, Doc, Map, MapRef, OffsetKind, Options, Out, ReadTxn, Text, TextRef, Transact,
    TransactionMut, Update,
};

use crate::guard::{self, Broken};

/// Rebuilds a document from updates and hands its roots to `look`.
pub fn read<'a>(
    updates: impl Iterator<Item = &'a [u8]>,
    time_ms_max: u64,
    look: impl FnOnce(&Roots) -> Result<String, Broken>,
) -> Result<String, Broken> {
    let until = Instant::now() + Duration::from_millis(time_ms_max);
    let doc = Doc::with_options(Options {
        cleanup_formatting: false, // read what is there
        offset_kind: OffsetKind::Utf16,
        ..Options::default()
    });
    let mut txn = ManuallyDrop::new(doc.transact_mut());
    let answer = guard::run(|| {
        for bytes in updates {
            if Instant::now() > until {
                return Err(Broken::TooSlow);
            }
            let update = Update::decode_v1(bytes).map_err(failed)?;
            txn.apply_update(update).map_err(failed)?;
        }
        look(&Roots { txn: &txn })
    });
    abandon(ManuallyDrop::into_inner(txn));
    answer
}

/// Ends a transaction without its commit, which dropping it would run: that joins neighbouring
/// items pair by pair (quadratic in time and memory for a long text), and after a panic it would
/// follow pointers to items that are gone. Destructors alone follow none. yrs offers no rollback,
/// but marks a transaction as committed before it calls the first observer: that one stops it.
fn abandon(mut txn: TransactionMut) {
    txn.observe_before_observer_calls("abandon", |_| resume_unwind(Box::new(())));
    let stopped = catch_unwind(AssertUnwindSafe(|| txn.commit()));
    debug_assert!(stopped.is_err());
}

fn failed(error: impl ToString) -> Broken {
    Broken::Failed(error.to_string())
}

/// What a shared type is. A root's is not in the bytes; see `Roots`.
pub enum Kind {
    Text,
    Array,
    Map,
    Element(Arc<str>),
    Fragment,
    XmlText,
    /// A root with nothing to see.
    Unknown,
}

/// A shared type inside a document.
pub struct Type<'a> {
    pub kind: Kind,
    branch: BranchPtr,
    txn: &'a TransactionMut<'a>,
}

impl<'a> Type<'a> {
    /// The type that `out` is, or the plain value.
    pub fn of(out: Out, txn: &'a TransactionMut<'a>) -> Result<Self, Any> {
        let branch = match &out {
            Out::Any(any) => return Err(any.clone()),
            Out::YDoc(doc) => return Err(doc.guid().to_string().into()),
            other => match other.try_branch() {
                Some(branch) => BranchPtr::from(branch),
                None => return Err(Any::Undefined),
            },
        };
        let mut this = Type { kind: Kind::Unknown, branch, txn };
        this.kind = match branch.type_ref() {
            TypeRef::Text => Kind::Text,
            TypeRef::Array => Kind::Array,
            TypeRef::Map | TypeRef::XmlHook => Kind::Map,
            TypeRef::XmlElement(name) => Kind::Element(name.clone()),
            TypeRef::XmlFragment => Kind::Fragment,
            TypeRef::XmlText => Kind::XmlText,
            _ => this.guess(),
        };
        Ok(this)
    }

    /// Which type's content a root holds: text or embeds make it a text (with attributes an XML
    /// text), only XML children a fragment, any other list an array, keys alone a map.
    fn guess(&self) -> Kind {
        let has_keys = !self.entries().is_empty();
        let chunks = self.chunks();
        if chunks.iter().any(|chunk| matches!(chunk.insert, Out::Any(_))) {
            return if has_keys { Kind::XmlText } else { Kind::Text };
        }
        let values = ArrayRef::from(self.branch).len(self.txn);
        let is_xml = |out: &Out| matches!(out, Out::YXmlElement(_) | Out::YXmlText(_) | Out::YXmlFragment(_));
        match (values, chunks.len() == values as usize && chunks.iter().all(|c| is_xml(&c.insert))) {
            (0, _) if has_keys => Kind::Map,
            (0, _) => Kind::Unknown,
            (_, true) => Kind::Fragment,
            (_, false) => Kind::Array,
        }
    }

    /// Runs of text, embeds and nested types, each with its formats.
    pub fn chunks(&self) -> Vec<Diff<YChange>> {
        TextRef::from(self.branch).diff(self.txn, YChange::identity)
    }

    /// The elements of a list.
    pub fn elements(&self) -> Result<impl Iterator<Item = Out>, Broken> {
        // yrs counts text in UTF-16 units but steps through it by characters: where they differ, its
        // iterator never ends. No editor puts text into a list.
        let endless = |chunk: &Diff<YChange>| match &chunk.insert {
            Out::Any(Any::String(text)) => text.chars().any(|c| c.len_utf16() > 1),
            _ => false,
        };
        if self.chunks().iter().any(endless) {
            return Err(Broken::Failed("a list holds text that cannot be read as elements".into()));
        }
        Ok(ArrayRef::from(self.branch).iter(self.txn).collect::<Vec<_>>().into_iter())
    }

    /// The keys of a map, or the attributes of an XML type, in the order of their bytes.
    pub fn entries(&self) -> BTreeMap<String, Out> {
        MapRef::from(self.branch).iter(self.txn).map(|(key, out)| (key.to_string(), out)).collect()
    }

    pub fn txn(&self) -> &'a TransactionMut<'a> {
        self.txn
    }
}

/// The root types of a document. An update names them but does not say what they are, so that is
/// told from what can be seen in them; Yjs itself leaves it to the program that opens the document.
pub struct Roots<'a> {
    txn: &'a TransactionMut<'a>,
}

impl<'a> Roots<'a> {
    pub fn all(&self) -> BTreeMap<String, Type<'a>> {
        let of = |(name, out): (&str, Out)| Some((name.to_string(), Type::of(out, self.txn).ok()?));
        self.txn.root_refs().filter_map(of).collect()
    }

    pub fn find(&self, name: &str) -> Result<Type<'a>, Broken> {
        let out = self.txn.get(name).ok_or(Broken::NotFound)?;
        Type::of(out, self.txn).map_err(|_| Broken::NotFound)
    }

    /// How many clocks of each client are there.
    pub fn state_vector(&self) -> BTreeMap<u64, u32> {
        let vector = self.txn.state_vector();
        vector.iter().map(|(client, clock)| (client.get(), *clock)).collect()
    }
}
