//! Turns panics into errors, and keeps them off stderr.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook};
use std::sync::Once;

/// Why a call has no result.
pub enum Broken {
    NotFound,
    TooDeep,
    TooSlow,
    Failed(String),
}

thread_local! {
    /// Some while this thread is inside `run`; then the message of the panic that ended it.
    static CAUGHT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs `work`; a panic in it becomes `Broken::Failed` with message and place.
pub fn run<T>(work: impl FnOnce() -> Result<T, Broken>) -> Result<T, Broken> {
    install_hook();
    CAUGHT.set(Some(String::new()));
    let result = catch_unwind(AssertUnwindSafe(work));
    let message = CAUGHT.take().unwrap_or_default();
    match result {
        Ok(done) => done,
        Err(_) => Err(Broken::Failed(format!("panic: {message}"))),
    }
}

/// The process has one panic hook: ours keeps the message of guarded threads and hands everything
/// else to the one before it.
fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = take_hook();
        set_hook(Box::new(move |info| {
            let kept = CAUGHT.with_borrow_mut(|caught| match caught {
                Some(message) => {
                    *message = describe(info);
                    true
                }
                None => false,
            });
            if !kept {
                previous(info);
            }
        }));
    });
}

/// What and where, without the folders of the machine that built this.
fn describe(info: &PanicHookInfo) -> String {
    let what = info.payload_as_str().unwrap_or("no message");
    let Some(place) = info.location() else { return what.into() };
    let mut parts: Vec<_> = place.file().rsplit('/').take(3).collect();
    parts.reverse();
    format!("{what} ({}:{})", parts.join("/"), place.line())
}
