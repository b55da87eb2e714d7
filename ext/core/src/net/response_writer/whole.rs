//! Answers that are there as a whole: what the socket does not take at once is left to the engine.

use std::io::IoSlice;

use super::{FEW, GATHERED, Lender, SMALL, conclude, keep_head, keep_rest, relieve};
use crate::error::AnswerError;
use crate::http::plan::Plan;
use crate::net::completion::Completion;
use crate::net::exchange::{AT_ONCE, Exchange};

/// Bodies up to this are copied behind their head: one plain write costs less than a gathering one saves.
const COPIED: u64 = 4096;

/// Sends head and body, all parts of the lender together. What the client does not take now is sent when it reads on, without
/// the caller: then true, and there will be a completion.
///
/// # Errors
/// When the client is gone, and for a body that is not what the head has promised: the answer has ended then.
pub fn send_whole<L: Lender>(
    mut exchange: Exchange,
    plan: Plan,
    head: &mut Vec<u8>,
    body: &L,
    completion: impl FnOnce() -> Completion,
) -> Result<bool, L::Error> {
    exchange.begins(plan, head.len());
    let most = plan.wanted(u64::MAX);
    let sent = if most <= COPIED {
        let given = copy(head, body, most as usize);
        let sent = exchange.send(head);
        exchange.is_sent_at_once();
        sent.map(|()| given).map_err(|error| AnswerError::from(error).into())
    } else {
        let given = body.with_parts(0, |parts| parts.map(|part| part.len() as u64).sum());
        // The lender's parts may have become fewer while others went on.
        send_long(&mut exchange, head, body, plan.wanted(given)).map(|missing| given - missing)
    };
    match sent {
        Ok(given) => Ok(conclude(exchange, plan, plan.check(given), completion)?),
        Err(error) => {
            exchange.abort();
            Err(error)
        }
    }
}

/// As much of the body as may be sent, behind its head; how long the body is.
fn copy<L: Lender>(head: &mut Vec<u8>, body: &L, most: usize) -> u64 {
    let all = head.len() + most;
    let mut given = 0;
    body.with_parts(0, |parts| {
        for part in parts {
            let left = all - head.len();
            head.extend_from_slice(&part[..part.len().min(left)]);
            given += part.len() as u64;
        }
    });
    given
}

/// How many of the bytes were missing.
fn send_long<L: Lender>(exchange: &mut Exchange, head: &[u8], body: &L, length: u64) -> Result<u64, L::Error> {
    let taken = body.with_parts(0, |parts| send_beginning(exchange, head, parts, length))?;
    let taken = keep_head(exchange, head, taken)? as u64;
    keep_all(exchange, body, taken, length - taken)
}

/// Gives the socket as much as may be given at once: how many bytes it has taken, of head and parts.
fn send_beginning(
    exchange: &mut Exchange,
    head: &[u8],
    parts: &mut dyn Iterator<Item = &[u8]>,
    length: u64,
) -> Result<usize, AnswerError> {
    let mut slices = vec![IoSlice::new(head)];
    let mut left = length.min(AT_ONCE as u64) as usize;
    for part in parts {
        let part = &part[..part.len().min(left)];
        left -= part.len();
        slices.push(IoSlice::new(part));
        if left == 0 {
            break;
        }
    }
    let mut slices = &mut slices[..];
    let mut taken = 0;
    loop {
        let once = exchange.try_send(slices)?;
        taken += once;
        IoSlice::advance_slices(&mut slices, once);
        if once == 0 || slices.is_empty() {
            return Ok(taken);
        }
    }
}

/// Keeps `left` bytes of the body after the first `skip`. While memory may hold them, all of them are kept before anybody
/// else may change them; past that they go to a file as they are when it is their turn. How many were missing.
fn keep_all<L: Lender>(exchange: &mut Exchange, body: &L, mut skip: u64, mut left: u64) -> Result<u64, L::Error> {
    let mut part = 0;
    while left > 0 {
        // Small ones are copied, as many as follow each other.
        let (looked_at, long) = body.with_parts(part, |parts| {
            let mut number = 0;
            for bytes in parts {
                let from = skip.min(bytes.len() as u64) as usize;
                let to = from + left.min((bytes.len() - from) as u64) as usize;
                if to - from > SMALL {
                    return Ok((number, Some(from..to)));
                }
                exchange.keep(&bytes[from..to])?;
                (skip, left, number) = (skip - from as u64, left - (to - from) as u64, number + 1);
                if left == 0 || exchange.overflows(GATHERED) {
                    break;
                }
            }
            Ok::<_, AnswerError>((number, None))
        })?;
        part += looked_at;
        match long {
            None if looked_at == 0 => break,
            None => {}
            Some(range) => {
                (skip, left) = (0, left - range.len() as u64);
                keep_rest(exchange, body, part, range)?;
                part += 1;
            }
        }
        relieve(exchange, body, GATHERED)?;
    }
    relieve(exchange, body, FEW)?;
    Ok(left)
}
