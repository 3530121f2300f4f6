//! A progress bar for long work, on a terminal only.

use std::io::IsTerminal;
use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar over the bytes of files; hidden where standard error is no terminal.
pub(crate) fn over_files(files: &[PathBuf], verb: &'static str) -> ProgressBar {
    let total: u64 = files.iter().filter_map(|f| std::fs::metadata(f).ok()).map(|m| m.len()).sum();
    let template = "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
    bar(total, verb, template)
}

/// A bar over things that are counted.
pub(crate) fn over_items(total: u64, verb: &'static str) -> ProgressBar {
    bar(total, verb, "{msg} {wide_bar} {pos}/{len} {per_sec} {eta}")
}

fn bar(total: u64, verb: &'static str, template: &str) -> ProgressBar {
    let bar = ProgressBar::new(total).with_message(verb);
    if std::io::stderr().is_terminal() {
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
    } else {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    bar
}

/// A turning sign for work whose length is not known.
pub(crate) fn spinner(verb: &'static str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let spinner = ProgressBar::new_spinner().with_message(verb);
    spinner.enable_steady_tick(std::time::Duration::from_millis(100));
    spinner
}
