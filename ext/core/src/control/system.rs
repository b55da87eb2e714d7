//! What the system tells of a process.

use std::fs;

/// Of memory, in bytes; `None` where the system doesn't tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Memory {
    /// Its pages, those that it shares with others in part ("proportional set size").
    pub(super) pss: Option<u64>,
    /// All its pages that are in memory.
    pub(super) rss: Option<u64>,
}

/// What a process has in memory.
pub(super) fn memory(pid: u32) -> Memory {
    if let Ok(text) = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")) {
        return Memory { pss: kilobytes(&text, "Pss:"), rss: kilobytes(&text, "Rss:") };
    }
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    Memory { pss: None, rss: kilobytes(&status, "VmRSS:") }
}

/// How many descriptors it has open.
pub(super) fn descriptors(pid: u32) -> Option<u64> {
    fs::read_dir(format!("/proc/{pid}/fd")).ok().map(|all| all.count() as u64)
}

fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    line[name.len()..].split_whitespace().next()?.parse::<u64>().ok().map(|number| number * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_system_writes() {
        let text = "5560-7ffd ---p 00000000 00:00 0    [rollup]\nRss:                2048 kB\nPss:     1024 kB\nPss_Dirty:    4 kB\n";
        assert_eq!((kilobytes(text, "Pss:"), kilobytes(text, "Rss:")), (Some(1_048_576), Some(2_097_152)));
        assert_eq!(kilobytes(text, "Swap:"), None);
        if cfg!(target_os = "linux") {
            assert!(memory(std::process::id()).rss.is_some_and(|bytes| bytes > 100_000));
            assert!(descriptors(std::process::id()).is_some_and(|number| number > 2));
        }
        assert_eq!((memory(u32::MAX).rss, descriptors(u32::MAX)), (None, None));
    }
}
