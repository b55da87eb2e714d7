//! A request at the control socket, and what it is answered with.

use super::json::Value;
use super::origin::Origin;
use crate::http::target;

/// Fields of a head at most.
const FIELDS: usize = 64;

/// A request.
#[derive(Debug, Default)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) token: Option<String>,
    pub(super) host: Option<String>,
    /// Another page than this server's own has a browser ask.
    pub(super) is_of_other_page: bool,
    pub(super) origin: Origin,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) kind: &'static str,
    pub(super) body: String,
    /// What may be asked here instead.
    pub(super) allow: Option<&'static str>,
}

impl Answer {
    /// The kind of pages for people.
    pub(super) const HTML: &'static str = "text/html; charset=utf-8";

    pub(super) fn text(status: u16, body: impl Into<String>) -> Answer {
        Answer { status, kind: "text/plain; charset=utf-8", body: body.into(), allow: None }
    }

    pub(super) fn json(status: u16, body: &Value) -> Answer {
        Answer { status, kind: "application/json", body: format!("{body}\n"), allow: None }
    }

    pub(super) fn is_asking_for_token() -> Answer {
        Answer::text(401, "this needs the token of control_token: send authorization: Bearer TOKEN\n")
    }
}

impl Request {
    /// What a parameter of its query says.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let pairs = self.query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    pub(super) fn parse(head: &[u8]) -> Result<Request, &'static str> {
        let mut fields = [httparse::EMPTY_HEADER; FIELDS];
        let mut parsed = httparse::Request::new(&mut fields);
        match parsed.parse(head) {
            Ok(httparse::Status::Complete(_)) => {}
            _ => return Err("this is no request of HTTP/1.1\n"),
        }
        let target = parsed.path.and_then(|target| target::split(target.as_bytes()));
        let target = target.ok_or("this is no target of a request of HTTP/1.1\n")?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let field = |name: &str| {
            let found = parsed.headers.iter().find(|field| field.name.eq_ignore_ascii_case(name))?;
            std::str::from_utf8(found.value).ok().map(str::to_owned)
        };
        let is_own = |site: &str| matches!(site, "same-origin" | "none");
        let host = target.authority.map(text).or_else(|| field("host"));
        let is_own_page = |origin: &str| origin.split_once("://").is_some_and(|(_, at)| Some(at) == host.as_deref());
        let is_of_other_page = field("sec-fetch-site").is_some_and(|site| !is_own(&site))
            || field("origin").is_some_and(|origin| !is_own_page(&origin));
        Ok(Request {
            method: parsed.method.unwrap_or_default().to_owned(),
            path: text(target.path),
            query: text(target.query),
            token: field("authorization").as_deref().and_then(token),
            host,
            is_of_other_page,
            ..Request::default()
        })
    }
}

/// What comes after a scheme's name, in whatever case that is (RFC 9110 section 11.1).
fn token(credentials: &str) -> Option<String> {
    let (scheme, token) = credentials.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}
