//! `/`: a page for people, of what `/stats` and `/requests` say. It is all in one file, and asks nobody else for anything.

use super::message::Answer;

/// The page. It is the same for all, and says nothing by itself.
pub(super) fn page() -> Answer {
    Answer { kind: Answer::HTML, ..Answer::text(200, include_str!("page.html")) }
}
