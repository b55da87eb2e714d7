//! What the kernel says of an address, with the cure where there is one that nearly always helps.

use std::io;

use crate::error::ListenError;

/// Somebody else has the address: who, a command tells.
pub(super) fn in_use(uri: &str) -> ListenError {
    let port = uri.strip_prefix("tcp:").and_then(|rest| rest.split('?').next()?.rsplit_once(':')).map(|(_, port)| port);
    let is_linux = cfg!(any(target_os = "linux", target_os = "android"));
    let ask = match port {
        Some(port) if is_linux => format!("ss -ltnp 'sport = :{port}'"),
        Some(port) => format!("lsof -nP -iTCP:{port} -sTCP:LISTEN"),
        None if is_linux => "ss -lxp".to_owned(),
        None => "lsof -U".to_owned(),
    };
    ListenError::InUse { uri: uri.to_owned(), ask }
}

/// Any of the kernel's errors.
pub(super) fn refusal(uri: &str, error: io::Error) -> ListenError {
    let cure = match error.kind() {
        io::ErrorKind::AddrInUse => return in_use(uri),
        io::ErrorKind::AddrNotAvailable => "this machine has no such address; 0.0.0.0 and [::] stand for all it has",
        io::ErrorKind::PermissionDenied if uri.starts_with("tcp:") => {
            "ports below 1024 are for root; choose a higher one or grant CAP_NET_BIND_SERVICE"
        }
        _ => return ListenError::Io { uri: uri.to_owned(), source: error },
    };
    let source = io::Error::new(error.kind(), format!("{error}; {cure}"));
    ListenError::Io { uri: uri.to_owned(), source }
}
