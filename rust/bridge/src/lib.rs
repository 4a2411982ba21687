//! What C++ cannot get otherwise, and thin: typed reading of Yjs documents by yrs.
//!
//! The C++ side is src/weft/crdt: it checks and bounds what comes in here. Every entry runs inside
//! `guard::run`, so a panic becomes an `Answer` and never crosses into C++.

mod document;
mod guard;
mod json;
mod tree;

#[cxx::bridge(namespace = "weft::bridge")]
mod ffi {
    /// How a call ended. `failed` covers panics: the text says what happened.
    #[derive(Debug)]
    enum Status {
        Done,
        NotFound,
        TooDeep,
        TooSlow,
        Failed,
    }

    /// What to read of a root, or of all of them.
    enum View {
        /// Every root, as JSON.
        Json,
        /// One root as plain text.
        Text,
        /// One root as a Quill delta.
        Delta,
        /// One root as an XML string.
        Xml,
        /// Every root with its kind, texts as deltas, and the state vector.
        Content,
    }

    struct Answer {
        status: Status,
        /// What was asked for, or why it could not be given.
        text: String,
    }

    struct Merged {
        status: Status,
        update: Vec<u8>,
        why: String,
    }

    extern "Rust" {
        /// Reads a document from updates (format v1) that stand one behind the other in `bytes`;
        /// `ends` says where each ends. No time is begun on another update after `time_ms_max`.
        fn read(bytes: &[u8], ends: &[usize], view: View, root: &str, time_ms_max: u64) -> Answer;

        /// yrs' own merge of updates, for comparison.
        fn merge(bytes: &[u8], ends: &[usize]) -> Merged;
    }
}

use ffi::{Answer, Merged, Status, View};
use guard::Broken;

fn updates<'a>(bytes: &'a [u8], ends: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    let starts = std::iter::once(0).chain(ends.iter().copied());
    starts.zip(ends).map(|(start, &end)| &bytes[start..end])
}

fn read(bytes: &[u8], ends: &[usize], view: View, root: &str, time_ms_max: u64) -> Answer {
    answer(document::read(updates(bytes, ends), time_ms_max, |roots| match view {
        View::Json => tree::json(roots),
        View::Text => tree::text(roots.find(root)?),
        View::Delta => tree::delta(roots.find(root)?),
        View::Xml => tree::xml(roots.find(root)?),
        _ => tree::content(roots),
    }))
}

fn merge(bytes: &[u8], ends: &[usize]) -> Merged {
    let merged = guard::run(|| {
        let list: Vec<&[u8]> = updates(bytes, ends).collect();
        yrs::merge_updates_v1(list).map_err(|e| Broken::Failed(e.to_string()))
    });
    match merged {
        Ok(update) => Merged { status: Status::Done, update, why: String::new() },
        Err(broken) => {
            let Answer { status, text } = answer(Err(broken));
            Merged { status, update: Vec::new(), why: text }
        }
    }
}

fn answer(result: Result<String, Broken>) -> Answer {
    let (status, text) = match result {
        Ok(text) => (Status::Done, text),
        Err(Broken::NotFound) => (Status::NotFound, String::new()),
        Err(Broken::TooDeep) => (Status::TooDeep, String::new()),
        Err(Broken::TooSlow) => (Status::TooSlow, String::new()),
        Err(Broken::Failed(why)) => (Status::Failed, why),
    };
    Answer { status, text }
}
