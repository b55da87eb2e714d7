//! The env's keys and usual values as frozen strings, made once.

use std::sync::OnceLock;

use magnus::value::{Opaque, ReprValue};
use magnus::{Error, RString, Ruby};

/// Header names that clients and proxies really send. Any other name works too; its key is made for each request.
const HEADERS: [&str; 62] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "access-control-request-headers",
    "access-control-request-method",
    "authorization",
    "cache-control",
    "cdn-loop",
    "cf-connecting-ip",
    "cf-ipcountry",
    "cf-ray",
    "cf-visitor",
    "connection",
    "cookie",
    "date",
    "dnt",
    "expect",
    "fastly-client-ip",
    "forwarded",
    "from",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "keep-alive",
    "last-event-id",
    "max-forwards",
    "origin",
    "pragma",
    "priority",
    "proxy-authorization",
    "range",
    "referer",
    "sec-ch-ua",
    "sec-ch-ua-mobile",
    "sec-ch-ua-platform",
    "sec-fetch-dest",
    "sec-fetch-mode",
    "sec-fetch-site",
    "sec-fetch-user",
    "te",
    "traceparent",
    "tracestate",
    "true-client-ip",
    "upgrade",
    "upgrade-insecure-requests",
    "user-agent",
    "via",
    "x-amzn-trace-id",
    "x-csrf-token",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-forwarded-scheme",
    "x-forwarded-ssl",
    "x-real-ip",
    "x-request-id",
    "x-requested-with",
];
const LONGEST: usize = 32;

/// What a proxy says of how its client came to it; [`kino_core::http::forwarded`] knows what it means.
const FORWARDED: [&str; 6] =
    ["forwarded", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto", "x-forwarded-scheme", "x-forwarded-ssl"];

/// A string that is never collected, readable from any ractor since it is frozen.
pub(crate) type Constant = Opaque<RString>;

/// Keys of the env.
pub(crate) struct Keys {
    pub(crate) request_method: Constant,
    pub(crate) path_info: Constant,
    pub(crate) query_string: Constant,
    pub(crate) request_path: Constant,
    pub(crate) request_uri: Constant,
    pub(crate) server_name: Constant,
    pub(crate) server_port: Constant,
    pub(crate) server_protocol: Constant,
    pub(crate) http_version: Constant,
    pub(crate) script_name: Constant,
    pub(crate) url_scheme: Constant,
    pub(crate) https: Constant,
    pub(crate) remote_addr: Constant,
    pub(crate) content_type: Constant,
    pub(crate) content_length: Constant,
    pub(crate) http_host: Constant,
    pub(crate) input: Constant,
    pub(crate) request: Constant,
    pub(crate) hijack: Constant,
    pub(crate) client_gone: Constant,
    pub(crate) may_hijack: Constant,
    pub(crate) trailers: Constant,
    pub(crate) request_id: Constant,
    pub(crate) http_request_id: Constant,
    pub(crate) protocol: Constant,
    pub(crate) peer_certificate: Constant,
    pub(crate) peer_verification: Constant,
    pub(crate) verified: Constant,
    pub(crate) unverified: Constant,
    pub(crate) puma_certificate: Constant,
    pub(crate) response_finished: Constant,
    pub(crate) after_reply: Constant,
    pub(crate) empty: Constant,
    pub(crate) get: Constant,
    pub(crate) http10: Constant,
    pub(crate) http11: Constant,
    pub(crate) http2: Constant,
    pub(crate) port_80: Constant,
    pub(crate) port_443: Constant,
    pub(crate) http_scheme: Constant,
    pub(crate) https_scheme: Constant,
    pub(crate) on: Constant,
    /// The numbers of [`FORWARDED`], a bit each.
    pub(crate) forwarded: u64,
    methods: [(&'static str, Constant); 7],
    /// By the name's length, then in the order above.
    headers: Vec<Vec<(&'static str, u8, Constant)>>,
}

static KEYS: OnceLock<Keys> = OnceLock::new();

/// Makes them; while the extension is loaded.
///
/// # Errors
/// When Ruby has no memory left.
pub(crate) fn make(ruby: &Ruby) -> Result<(), Error> {
    let constant = |text: &str| {
        let string = ruby.str_new(text).to_interned_str();
        let string = RString::from_value(string.as_value()).expect("an interned string is a string");
        ruby.gc_register_mark_object(string);
        Opaque::from(string)
    };
    let mut headers: Vec<Vec<_>> = (0..=LONGEST).map(|_| Vec::new()).collect();
    for (index, name) in HEADERS.iter().enumerate() {
        let key = constant(&format!("HTTP_{}", name.to_ascii_uppercase().replace('-', "_")));
        headers[name.len()].push((*name, index as u8, key));
    }
    let number = |name: &&str| HEADERS.iter().position(|known| known == name).expect("a header with a number");
    let forwarded = FORWARDED.iter().fold(0, |bits, name| bits | 1 << number(name));
    let methods = ["GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"].map(|name| (name, constant(name)));
    let keys = Keys {
        request_method: constant("REQUEST_METHOD"),
        path_info: constant("PATH_INFO"),
        query_string: constant("QUERY_STRING"),
        request_path: constant("REQUEST_PATH"),
        request_uri: constant("REQUEST_URI"),
        server_name: constant("SERVER_NAME"),
        server_port: constant("SERVER_PORT"),
        server_protocol: constant("SERVER_PROTOCOL"),
        http_version: constant("HTTP_VERSION"),
        script_name: constant("SCRIPT_NAME"),
        url_scheme: constant("rack.url_scheme"),
        https: constant("HTTPS"),
        remote_addr: constant("REMOTE_ADDR"),
        content_type: constant("CONTENT_TYPE"),
        content_length: constant("CONTENT_LENGTH"),
        http_host: constant("HTTP_HOST"),
        input: constant("rack.input"),
        request: constant("kino.request"),
        hijack: constant("rack.hijack"),
        client_gone: constant("kino.client_gone?"),
        may_hijack: constant("rack.hijack?"),
        trailers: constant("kino.trailers"),
        request_id: constant("kino.request_id"),
        http_request_id: constant("HTTP_X_REQUEST_ID"),
        protocol: constant("rack.protocol"),
        peer_certificate: constant("kino.peer_certificate"),
        peer_verification: constant("kino.peer_verification"),
        verified: constant("SUCCESS"),
        unverified: constant("NONE"),
        puma_certificate: constant("puma.peercert"),
        response_finished: constant("rack.response_finished"),
        after_reply: constant("rack.after_reply"),
        empty: constant(""),
        get: constant("GET"),
        http10: constant("HTTP/1.0"),
        http11: constant("HTTP/1.1"),
        http2: constant("HTTP/2"),
        port_80: constant("80"),
        port_443: constant("443"),
        http_scheme: constant("http"),
        https_scheme: constant("https"),
        on: constant("on"),
        forwarded,
        methods,
        headers,
    };
    // Made once: the extension is loaded once.
    let _ = KEYS.set(keys);
    Ok(())
}

/// The keys.
pub(crate) fn keys() -> &'static Keys {
    KEYS.get().expect("the keys are made while the extension is loaded")
}

impl Keys {
    /// Number and key of a header that is usual.
    pub(crate) fn header(&self, name: &[u8]) -> Option<(u8, Constant)> {
        let candidates = self.headers.get(name.len())?;
        let found = candidates.iter().find(|(known, ..)| known.as_bytes().eq_ignore_ascii_case(name));
        found.map(|&(_, index, key)| (index, key))
    }

    /// The constant of a usual method.
    pub(crate) fn method(&self, name: &[u8]) -> Option<Constant> {
        self.methods.iter().find(|(known, _)| known.as_bytes() == name).map(|&(_, constant)| constant)
    }
}
