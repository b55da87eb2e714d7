//! The fastest Kino could be: the whole engine with canned answers in Ruby's place. `bench/compare` measures against it.
//!
//! ```text
//! cargo run --release -p kino-core --example ceiling -- 127.0.0.1:9292
//! ```

use std::io::Write;

use kino_core::config::Config;
use kino_core::dispatch::lead::Taken;
use kino_core::http::date::{self, DateCache};
use kino_core::http::encode::ResponseHead;
use kino_core::net::exchange::Exchange;
use kino_core::net::listener::Listener;
use kino_core::server::Server;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9292".to_owned());
    let listener = Listener::bind(&format!("tcp://{address}"))?;
    println!("Listening on {}", listener.uri().replace("tcp:", "http:"));
    std::io::stdout().flush()?;

    let server = Server::start(vec![listener], Config::default())?;
    let interrupt = server.interrupt();
    let (mut head, mut clock) = (Vec::new(), DateCache::default());
    let large = [b'x'; 10_240];
    loop {
        let exchange = match server.dispatch().try_take() {
            Some(exchange) => exchange,
            None => match server.dispatch().take(&interrupt) {
                Taken::Exchange(exchange) => exchange,
                Taken::Interrupted | Taken::Over => return Ok(()),
            },
        };
        let body = if exchange.head().target() == b"/10k" { &large[..] } else { b"Hello, World!" };
        answer(*exchange, body, &mut head, &mut clock);
    }
}

fn answer(mut exchange: Exchange, body: &[u8], out: &mut Vec<u8>, clock: &mut DateCache) {
    let mut head = ResponseHead::begin(out, 200);
    head.field(b"content-type", b"text/plain").expect("the field is well formed");
    let plan = head.end(exchange.asked(), Some(body.len() as u64), clock.at(date::now()));
    out.extend_from_slice(body);
    match exchange.send(out) {
        Ok(()) => exchange.finish(plan.keep_alive, None),
        Err(_) => exchange.abort(),
    }
}
